// The pool on loop devices: made, made again after a reboot, grown, and left as it was.
// vm: plain

import { mkdir, rm, stat, truncate } from 'node:fs/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { LoopMakeup } from '../../src/shared/pool-makeup.ts';
import type { PoolAssembly } from '../../src/shared/tasks.ts';
import { MIB, parseBytes, parseSectors, parseThinId } from '../../src/shared/units.ts';
import { findLoops } from '../../src/workers/block/loop.ts';
import { chooseEngine } from '../../src/workers/devmapper/choose-engine.ts';
import type { Engine } from '../../src/workers/devmapper/engine.ts';
import { activate } from '../../src/workers/tasks/activate.ts';
import { assemblePool } from '../../src/workers/tasks/assemble-pool.ts';
import { disassemblePool } from '../../src/workers/tasks/disassemble-pool.ts';
import { extendPool } from '../../src/workers/tasks/extend-pool.ts';
import { makeLoopFiles } from '../../src/workers/tasks/make-loop-files.ts';
import { poolFacts } from '../../src/workers/tasks/pool-facts.ts';
import { poolTag } from '../../src/workers/tasks/pool-tag.ts';
import { poolThinIds } from '../../src/workers/tasks/pool-thin-ids.ts';
import { faultOf } from '../support/faults.ts';
import { clearDevices, POOL, POOL_UUID, thin } from './support/pool.ts';
import { shell } from './support/shell.ts';

const DIR = '/dev/shm/thinsnap-test-loop-pool';
const MAKEUP: LoopMakeup = {
  kind: 'loop',
  dir: DIR,
  uuid: POOL_UUID,
  blockSectors: parseSectors(128),
  features: ['error_if_no_space'],
};
const SIZES = { dataBytes: parseBytes(256 * MIB), metadataBytes: parseBytes(4 * MIB) };
const LARGER = { dataBytes: parseBytes(512 * MIB), metadataBytes: parseBytes(8 * MIB) };
const REF = { name: POOL, makeup: MAKEUP };
const THERE = { activated: false, created: false, check: 'not-asked' };
const MADE = { activated: true, created: true, check: 'not-asked' };

async function makePool(engine: Engine): Promise<PoolAssembly> {
  await makeLoopFiles({ makeup: MAKEUP, ...SIZES });
  return assemblePool(engine, { ...REF, check: true });
}

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

test('assemblePool makes a sound pool in files that only root may read', async () => {
  const engine = await openEngine();
  assert.equal(await makePool(engine), MADE);
  const { status, uuid, dataBlockSectors } = await poolFacts(engine, { pool: POOL });
  assert.equal([status.mode, uuid, dataBlockSectors], ['rw', POOL_UUID, 128]);
  assert.equal([status.totalDataBlocks, status.totalMetadataBlocks], [4096, 1024]);
  const file = await stat(`${DIR}/data`);
  assert.equal([file.mode & 0o777, file.size], [0o600, 256 * MIB]);
  assert.ok((await stat(`/dev/mapper/${POOL}`)).isBlockDevice());
});

test('assemblePool changes nothing when the pool is there', async () => {
  const engine = await openEngine();
  await makePool(engine);
  const table = await engine.table(POOL);
  await engine.suspend(POOL);
  assert.equal(await makePool(engine), THERE);
  assert.equal(await engine.table(POOL), table);
  assert.not((await engine.info(POOL)).suspended);
  assert.is((await findLoops(`${DIR}/data`)).length, 1);
});

test('assemblePool brings the pool back as it was after a reboot', async () => {
  const engine = await openEngine();
  await makePool(engine);
  await engine.message(POOL, 'create_thin 7');
  await takeDown();
  assert.equal(await makePool(engine), { activated: true, created: false, check: 'sound' });
  assert.equal(await poolThinIds(engine, { pool: POOL }), [parseThinId(7)]);
});

test('assemblePool mends a device without a table', async () => {
  await shell('dmsetup', 'create', POOL, '--notable', '--uuid', POOL_UUID);
  const engine = await openEngine();
  assert.equal(await makePool(engine), MADE);
  assert.is((await poolFacts(engine, { pool: POOL })).status.mode, 'rw');
});

test('assemblePool grows a live pool whose files had grown before a crash', async () => {
  const engine = await openEngine();
  await makePool(engine);
  await truncate(`${DIR}/data`, LARGER.dataBytes);
  await truncate(`${DIR}/metadata`, LARGER.metadataBytes);
  assert.equal(await assemblePool(engine, { ...REF, check: false }), THERE);
  const { status } = await poolFacts(engine, { pool: POOL });
  assert.equal([status.totalDataBlocks, status.totalMetadataBlocks, status.mode], [8192, 2048, 'rw']);
});

test('extendPool makes a live pool larger, and never smaller', async () => {
  const engine = await openEngine();
  await makePool(engine);
  const data = await extendPool(engine, { ...REF, poolTag: null, dataBytes: LARGER.dataBytes, metadataBytes: null });
  assert.equal([data.totalDataBlocks, data.totalMetadataBlocks], [8192, 1024]);
  const both = await extendPool(engine, { ...REF, poolTag: null, ...LARGER });
  assert.equal([both.totalDataBlocks, both.totalMetadataBlocks], [8192, 2048]);
  const less = await extendPool(engine, { ...REF, poolTag: null, ...SIZES });
  assert.equal([less.totalDataBlocks, less.totalMetadataBlocks, less.mode], [8192, 2048, 'rw']);
});

test('extendPool activates nothing', async () => {
  const engine = await openEngine();
  await makePool(engine);
  await disassemblePool(engine, REF);
  assert.is((await faultOf(extendPool(engine, { ...REF, poolTag: null, ...LARGER }))).code, 'device-missing');
  assert.is((await stat(`${DIR}/data`)).size, SIZES.dataBytes);
});

test('extendPool refuses a pool that came in the place of the one that is meant', async () => {
  const engine = await openEngine();
  await makePool(engine);
  await poolTag(engine, { pool: POOL, from: 0, to: 7 });
  assert.is((await faultOf(extendPool(engine, { ...REF, poolTag: 8, ...LARGER }))).code, 'precondition');
  assert.is((await stat(`${DIR}/data`)).size, SIZES.dataBytes);
  assert.is((await extendPool(engine, { ...REF, poolTag: 7, ...LARGER })).totalDataBlocks, 8192);
});

test('disassemblePool leaves the files alone, and is content when there is nothing to do', async () => {
  const engine = await openEngine();
  await makePool(engine);
  await disassemblePool(engine, REF);
  assert.equal(await findLoops(`${DIR}/data`), []);
  await disassemblePool(engine, REF);
  assert.is((await stat(`${DIR}/data`)).size, SIZES.dataBytes);
});

test('disassemblePool refuses a pool that a device is on', async () => {
  const engine = await openEngine();
  await makePool(engine);
  await engine.message(POOL, 'create_thin 1');
  await activate(engine, thin(1));
  const fault = await faultOf(disassemblePool(engine, REF));
  assert.is(fault.code, 'device-busy');
  assert.match(fault.message, /Devices are on it/);
});

test('assemblePool checks the metadata when asked to, and activates nothing that is damaged', async () => {
  const engine = await openEngine();
  await makePool(engine);
  await engine.message(POOL, 'create_thin 7');
  await disassemblePool(engine, REF);
  await shell('dd', 'if=/dev/urandom', `of=${DIR}/metadata`, 'bs=4096', 'seek=1', 'count=16', 'conv=notrunc');
  const fault = await faultOf(assemblePool(engine, { ...REF, check: true }));
  assert.is(fault.code, 'pool-unsound');
  assert.match(fault.message, /thinsnap pool check --repair thinsnap-test-pool/);
  assert.equal(await findLoops(`${DIR}/data`), []);
});

test('assemblePool says what is missing when its files are not there', async () => {
  const fault = await faultOf(assemblePool(await openEngine(), { ...REF, check: false }));
  assert.is(fault.code, 'device-missing');
  assert.match(fault.message, /there is no file .*\/data/);
});

test('assemblePool leaves a device of someone else alone', async () => {
  await shell('dmsetup', 'create', POOL, '--notable', '--uuid', 'thinsnap-test-stranger');
  const engine = await openEngine();
  assert.is((await faultOf(makePool(engine))).code, 'precondition');
  assert.equal(await findLoops(`${DIR}/data`), []);
});

test('assemblePool lets its loop devices go when the pool cannot be made', async () => {
  await shell('sh', '-c', `head -c 4096 /dev/urandom >${DIR}/metadata`);
  const engine = await openEngine();
  await faultOf(makePool(engine));
  assert.equal(await findLoops(`${DIR}/data`), []);
  assert.equal(await findLoops(`${DIR}/metadata`), []);
});

test.run();
