// When a parent is worth having snapshots ready for, and how many.

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Demand } from '../../../src/main/upkeep/demand.ts';

const MINUTE_MS = 60_000;

function noted(...timesMs: readonly number[]): Demand {
  const demand = new Demand(0);
  for (const timeMs of timesMs) demand.note(timeMs);
  return demand;
}

test('Demand wants nothing for a layer that is prepared once, to unpack the next', () => {
  assert.is(noted(0).wanted(0), 0);
});

test('Demand wants as many as one burst had', () => {
  assert.is(noted(...Array.from({ length: 64 }, (_, index) => index * 10)).wanted(1_000), 64);
});

test('Demand wants one for what is prepared now and then, however often that was', () => {
  const demand = noted(...Array.from({ length: 20 }, (_, index) => index * MINUTE_MS));
  assert.is(demand.wanted(20 * MINUTE_MS), 1);
});

test('Demand halves in five minutes and ends in the cold', () => {
  const demand = noted(...Array.from({ length: 64 }, () => 0));
  assert.is(demand.wanted(5 * MINUTE_MS), 32);
  assert.is(demand.wanted(10 * MINUTE_MS), 16);
  assert.is(demand.wanted(40 * MINUTE_MS), 0);
  assert.not(demand.isForgotten(40 * MINUTE_MS));
  assert.ok(demand.isForgotten(60 * MINUTE_MS));
});

test('Demand remembers its largest burst, not the last one', () => {
  const demand = noted(...Array.from({ length: 30 }, () => 0), MINUTE_MS, MINUTE_MS);
  assert.ok(demand.wanted(MINUTE_MS) > 20);
});

test('Demand.assume keeps what was found ready, for a while', () => {
  const demand = new Demand(0);
  demand.assume(10, 0);
  assert.is(demand.wanted(0), 10);
  assert.is(demand.wanted(30 * MINUTE_MS), 0);
});

test('Demand never wants more than were asked for, nor less than nothing', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 20 * MINUTE_MS }), { maxLength: 50 }), (pauses) => {
      const demand = new Demand(0);
      let nowMs = 0;
      for (const pauseMs of pauses) {
        nowMs += pauseMs;
        demand.note(nowMs);
        const wanted = demand.wanted(nowMs);
        assert.ok(Number.isInteger(wanted) && wanted >= 0 && wanted <= pauses.length);
      }
    }),
  );
});

test.run();
