// What is seen of a pool: of one on files, also what its host has no room for.

import { open, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PoolSight } from '../../../src/main/volumes/thin-pool/pool-sight.ts';
import type { Activity } from '../../../src/main/volumes/volumes.ts';
import type { PoolMakeup } from '../../../src/shared/pool-makeup.ts';
import { type DeviceId, GIB, MIB, parseDeviceId, parseSectors, toBytes } from '../../../src/shared/units.ts';
import { faultOf } from '../../support/faults.ts';
import { FakePool } from '../../support/model/fake-pool.ts';
import { withScratch } from '../../support/scratch.ts';

const BLOCK_SECTORS = parseSectors(2048);
const TOTAL_BYTES = 4096 * GIB;
const STATUS = { ...new FakePool().status, usedDataBlocks: 0, totalDataBlocks: TOTAL_BYTES / toBytes(BLOCK_SECTORS) };
const ACTIVE = new Map<DeviceId, Activity>([
  [parseDeviceId(1), 'rw'],
  [parseDeviceId(2), 'ro'],
  [parseDeviceId(3), 'unknown'],
  [parseDeviceId(4), 'unsure'],
]);

function sightOf(makeup: PoolMakeup | null): PoolSight {
  return new PoolSight({ status: STATUS, makeup, dataBlockSectors: BLOCK_SECTORS, active: ACTIVE });
}

function onFiles(dir: string): PoolSight {
  return sightOf({ kind: 'loop', dir, uuid: '', blockSectors: BLOCK_SECTORS, features: [] });
}

async function makeData(dir: string, bytes: number): Promise<void> {
  const file = await open(join(dir, 'data'), 'w');
  try {
    await file.truncate(bytes);
  } finally {
    await file.close();
  }
}

test('PoolSight counts as used what a sparse file was promised and its host does not have', async () => {
  await withScratch(async (dir) => {
    await makeData(dir, TOTAL_BYTES);
    const sight = onFiles(dir);
    assert.is(sight.space.data.usedBytes, 0);
    await sight.lookBelow();
    const { bavail, bsize } = await statfs(dir);
    const { usedBytes, totalBytes } = sight.space.data;
    assert.is(totalBytes, TOTAL_BYTES);
    // Others use the same file system.
    assert.ok(Math.abs(totalBytes - usedBytes - bavail * bsize) < GIB);
    sight.see({ ...STATUS, usedDataBlocks: STATUS.totalDataBlocks });
    assert.is(sight.space.data.usedBytes, TOTAL_BYTES);
    await makeData(dir, MIB);
    await sight.lookBelow();
    sight.see(STATUS);
    assert.is(sight.space.data.usedBytes, 0);
    assert.equal([...sight.faulty], []);
  });
});

test('PoolSight looks below no pool but one on files, and faults with unavailable when those are not to be seen', async () => {
  await sightOf(null).lookBelow();
  await sightOf({ kind: 'lvm', vg: 'vg', lv: 'lv' }).lookBelow();
  const { code, message } = await faultOf(onFiles('/nowhere').lookBelow());
  assert.is(code, 'unavailable');
  assert.match(message, /^Cannot use the files in \/nowhere: .*ENOENT/);
  await withScratch(async (dir) => assert.is((await faultOf(onFiles(dir).lookBelow())).code, 'unavailable'));
});

for (const [what, mode, whenFull, faulty] of [
  ['none while there is space', 'rw', 'error', []],
  ['none while writers wait', 'out_of_data_space', 'queue', []],
  ['all that may be written to once writes fail', 'out_of_data_space', 'error', [1, 3]],
] as const) {
  test(`PoolSight suspects devices: ${what}`, () => {
    const sight = sightOf(null);
    sight.see({ ...STATUS, mode, whenFull });
    sight.see(STATUS);
    assert.equal([...sight.faulty].map(Number), faulty);
  });
}

test.run();
