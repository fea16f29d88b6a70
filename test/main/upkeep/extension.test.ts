// How large a pool should be, by figures.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { sizeRules, sizeWanted, sizeWithin } from '../../../src/main/upkeep/extension.ts';
import { METADATA_BYTES_MAX } from '../../../src/shared/pool-makeup.ts';
import { GIB, KIB, MIB, parseBytes } from '../../../src/shared/units.ts';

const POLICY = { thresholdPercent: 80, percent: 20 };
const BLOCK = 64 * KIB;

for (const [what, used, total, policy, wanted] of [
  ['nothing at the threshold', 80 * GIB, 100 * GIB, POLICY, null],
  ['the percentage above the threshold', 80 * GIB + 1, 100 * GIB, POLICY, 120 * GIB],
  ['whole blocks', 800 * KIB, 960 * KIB, POLICY, 1152 * KIB],
  ['at least a block', BLOCK, BLOCK, { thresholdPercent: 80, percent: 1 }, 2 * BLOCK],
  ['enough to be below the threshold', 100 * GIB, 100 * GIB, { thresholdPercent: 50, percent: 20 }, 200 * GIB],
  ['nothing at a threshold of 100', 100 * GIB, 100 * GIB, { thresholdPercent: 100, percent: 20 }, null],
] as const) {
  test(`sizeWanted() asks for ${what}`, () => {
    const usage = { usedBytes: used, totalBytes: total };
    assert.is(sizeWanted(usage, sizeRules('data', policy, BLOCK)), wanted);
  });
}

test('sizeWanted() never asks for more metadata than the kernel uses', () => {
  const rules = sizeRules('metadata', POLICY, BLOCK);
  const ask = (total: number) => sizeWanted({ usedBytes: total, totalBytes: total }, rules);
  assert.is(ask(4 * MIB), 5 * MIB);
  assert.is(ask(15 * GIB), METADATA_BYTES_MAX);
  assert.is(ask(METADATA_BYTES_MAX), null);
});

for (const [what, room, size] of [
  ['all where there is room for it', 20 * MIB, 120 * MIB],
  ['what there is room for, in whole steps', 7.5 * MIB, 107 * MIB],
  ['nothing for less than a quarter', 4.9 * MIB, null],
  ['nothing without room', 0, null],
] as const) {
  test(`sizeWithin() grants ${what}`, () => {
    const limits = { totalBytes: 100 * MIB, stepBytes: MIB, roomBytes: room };
    assert.is(sizeWithin(parseBytes(120 * MIB), limits), size);
  });
}

test.run();
