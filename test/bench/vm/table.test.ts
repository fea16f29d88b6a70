// The table of bench:vm: rates, percentiles and ratios, from phases whose figures can be told by hand.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Measurement, type Phase, percentileOf, rateOf } from '../../../bench/vm/results.ts';
import { showTable } from '../../../bench/vm/show-table.ts';
import { tableOf, toFigure, warningsOf } from '../../../bench/vm/table.ts';

function phase(name: string, latenciesMs: readonly number[], more: Partial<Phase> = {}): Phase {
  return { name, round: 0, wallMs: 1_000, latenciesMs, answeredMs: latenciesMs, ...more };
}

function burst(side: Measurement['side'], variant: string, phases: readonly Phase[]): Measurement {
  return { side, variant, name: 'burst', phases, figures: {} };
}

function rowOf(measurements: readonly Measurement[], operation: string): readonly string[] {
  const row = tableOf({ guest: 'plain', kernel: '6.1.0', measurements }).find(([label]) => label === operation);
  if (row === undefined) throw new Error(`There is no row "${operation}"`);
  return row.slice(1);
}

const PEER = burst('peer', 'sync', [phase('prepare', [100, 200, 300, 400], { wallMs: 2_000 })]);
const MISS = burst('thinsnap', 'sync', [phase('prepare', [5, 6, 7, 8], { wallMs: 40 })]);
const STANDBY = burst('thinsnap', 'standby', [
  phase('prepare', [900, 900, 900, 900], { round: -2, wallMs: 4_000 }),
  phase('prepare', [90, 90, 90, 90], { round: -1, wallMs: 400 }),
  phase('prepare', [1, 2, 3, 4], { wallMs: 10 }),
]);

test('rateOf() counts the calls of all rounds over the time of all rounds', () => {
  assert.is(rateOf([phase('x', [1, 2], { wallMs: 500 }), phase('x', [3, 4], { wallMs: 1_500 })]), 2);
});

test('percentileOf() takes the nearest rank, whatever order the calls ended in', () => {
  assert.is(percentileOf([phase('x', [4, 1, 3, 2])], 0.5), 2);
  assert.is(percentileOf([phase('x', [4, 1, 3, 2])], 0.99), 4);
});

test('tableOf() sets rates against each other, without the rounds that warm up', () => {
  const row = rowOf([PEER, STANDBY], '4 Prepares at once, standby warm');
  assert.equal(row, ['2.0/s', '400/s', '200x', '100x']);
});

test('tableOf() shows the first round after a start apart', () => {
  const row = rowOf([PEER, STANDBY], '  the first burst after a start, which finds no standby');
  assert.equal(row, ['2.0/s', '1.0/s', '0.50x', '']);
});

test('tableOf() shows of a latency how small a part of the peer’s it is', () => {
  assert.equal(rowOf([PEER, STANDBY], '  p99'), ['400 ms', '4.0 ms', '1/100', '1/100']);
});

test('tableOf() holds a miss against the bare loop', () => {
  const bare: Measurement = {
    side: 'bare',
    variant: '8 threads',
    name: 'bare',
    phases: [phase('bare-make', [1, 1, 1, 1], { wallMs: 20 })],
    figures: {},
  };
  const row = rowOf([PEER, MISS, bare], "  bare loop of a miss's ioctls, 8 threads");
  assert.equal(row, ['bare 200/s', '100/s', '0.50', '0.7 on as many threads']);
});

test('tableOf() says so where the sides had different numbers of calls', () => {
  const small = burst('peer', 'sync', [phase('prepare', [100, 200])]);
  assert.ok(rowOf([small, MISS], '4 (peer: 2) Prepares at once, no standby'));
});

test('tableOf() leaves out what thinsnap was not measured for', () => {
  assert.is(tableOf({ guest: 'plain', kernel: '6.1.0', measurements: [PEER] }).length, 1);
});

test('warningsOf() tells of every call that failed', () => {
  const failed = burst('peer', 'sync', [phase('prepare', [], { failed: { 'no space': 3 } })]);
  assert.equal(warningsOf({ guest: 'plain', kernel: '6.1.0', measurements: [failed] }), [
    'peer, sync, burst: prepare: 3 calls: no space',
  ]);
});

test('toFigure() keeps two digits that count, and nothing of what is not there', () => {
  assert.equal([0.0123, 4.44, 12.6, Number.NaN].map(toFigure), ['0.012', '4.4', '13', '']);
});

test('showTable() puts columns under each other', () => {
  const lines = showTable([
    ['what', 'rate'],
    ['a longer one', '1'],
  ]);
  assert.is(lines, '| what         | rate |\n| ------------ | ---: |\n| a longer one |    1 |\n');
});

test.run();
