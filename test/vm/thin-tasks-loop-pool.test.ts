// The pool on loop devices: made, made again after a reboot, grown, and left as it was.

import { mkdir, rm, stat, truncate } from 'node:fs/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MIB, parseBytes, parseThinId } from '../../src/shared/units.ts';
import { findLoops } from '../../src/workers/block/loop.ts';
import { chooseEngine } from '../../src/workers/devmapper/choose-engine.ts';
import type { Engine } from '../../src/workers/devmapper/engine.ts';
import { openLoopPool } from '../../src/workers/tasks/open-loop-pool.ts';
import { poolFacts } from '../../src/workers/tasks/pool-facts.ts';
import { poolThinIds } from '../../src/workers/tasks/pool-thin-ids.ts';
import { faultOf } from '../support/faults.ts';
import { clearDevices, POOL, POOL_UUID } from './support/pool.ts';
import { shell } from './support/shell.ts';

const DIR = '/dev/shm/thinsnap-test-loop-pool';
const ASKED = {
  dir: DIR,
  pool: POOL,
  uuid: POOL_UUID,
  dataBytes: parseBytes(256 * MIB),
  metadataBytes: parseBytes(4 * MIB),
};

async function openEngine(): Promise<Engine> {
  return (await chooseEngine('ioctl')).engine;
}

/** What a reboot leaves: the files. */
async function takeDown(): Promise<void> {
  await clearDevices();
  for (const file of ['data', 'metadata']) {
    for (const loop of await findLoops(`${DIR}/${file}`)) await shell('losetup', '--detach', loop);
  }
}

test.before.each(async () => {
  await mkdir(DIR, { recursive: true });
});
test.after.each(async () => {
  await takeDown();
  await rm(DIR, { recursive: true });
});

test('openLoopPool makes a sound pool in files that only root may read', async () => {
  const engine = await openEngine();
  assert.equal(await openLoopPool(engine, ASKED), { created: true });
  const { status, uuid, dataBlockSectors } = await poolFacts(engine, { pool: POOL });
  assert.equal([status.mode, uuid, dataBlockSectors], ['rw', POOL_UUID, 128]);
  assert.equal([status.totalDataBlocks, status.totalMetadataBlocks], [4096, 1024]);
  const file = await stat(`${DIR}/data`);
  assert.equal([file.mode & 0o777, file.size], [0o600, 256 * MIB]);
  assert.ok((await stat(`/dev/mapper/${POOL}`)).isBlockDevice());
});

test('openLoopPool changes nothing when the pool is there', async () => {
  const engine = await openEngine();
  await openLoopPool(engine, ASKED);
  const table = await engine.table(POOL);
  await engine.suspend(POOL);
  assert.equal(await openLoopPool(engine, ASKED), { created: false });
  assert.equal(await engine.table(POOL), table);
  assert.not((await engine.info(POOL)).suspended);
  assert.is((await findLoops(`${DIR}/data`)).length, 1);
});

test('openLoopPool brings the pool back as it was after a reboot', async () => {
  const engine = await openEngine();
  await openLoopPool(engine, ASKED);
  await engine.message(POOL, 'create_thin 7');
  await takeDown();
  assert.equal(await openLoopPool(engine, ASKED), { created: false });
  assert.equal(await poolThinIds(engine, { pool: POOL }), [parseThinId(7)]);
});

test('openLoopPool mends a device without a table', async () => {
  await shell('dmsetup', 'create', POOL, '--notable', '--uuid', POOL_UUID);
  const engine = await openEngine();
  assert.equal(await openLoopPool(engine, ASKED), { created: true });
  assert.is((await poolFacts(engine, { pool: POOL })).status.mode, 'rw');
});

test('openLoopPool grows a live pool, also when a crash came after its files had grown', async () => {
  const engine = await openEngine();
  await openLoopPool(engine, ASKED);
  const larger = { ...ASKED, dataBytes: parseBytes(512 * MIB), metadataBytes: parseBytes(8 * MIB) };
  await truncate(`${DIR}/data`, larger.dataBytes);
  await truncate(`${DIR}/metadata`, larger.metadataBytes);
  assert.equal(await openLoopPool(engine, larger), { created: false });
  const { status } = await poolFacts(engine, { pool: POOL });
  assert.equal([status.totalDataBlocks, status.totalMetadataBlocks, status.mode], [8192, 2048, 'rw']);
  assert.equal(await openLoopPool(engine, ASKED), { created: false });
  assert.is((await poolFacts(engine, { pool: POOL })).status.totalDataBlocks, 8192);
});

test('openLoopPool leaves a device of someone else alone', async () => {
  await shell('dmsetup', 'create', POOL, '--notable', '--uuid', 'thinsnap-test-stranger');
  const engine = await openEngine();
  assert.is((await faultOf(openLoopPool(engine, ASKED))).code, 'precondition');
  assert.equal(await findLoops(`${DIR}/data`), []);
});

test('openLoopPool lets its loop devices go when the pool cannot be made', async () => {
  await shell('sh', '-c', `head -c 4096 /dev/urandom >${DIR}/metadata`);
  const engine = await openEngine();
  await faultOf(openLoopPool(engine, ASKED));
  assert.equal(await findLoops(`${DIR}/data`), []);
  assert.equal(await findLoops(`${DIR}/metadata`), []);
});

test.run();
