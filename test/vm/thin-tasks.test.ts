// vm: both
// The thin-pool tasks when all goes well, and when they find what an earlier try or a crash has left.

import { lstat, open, rm, symlink } from 'node:fs/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ENGINE_KINDS, type EngineKind, type Origin } from '../../src/shared/tasks.ts';
import { MIB, parseSectors, parseThinId } from '../../src/shared/units.ts';
import { chooseEngine } from '../../src/workers/devmapper/choose-engine.ts';
import type { Engine } from '../../src/workers/devmapper/engine.ts';
import { activate } from '../../src/workers/tasks/activate.ts';
import { createBase } from '../../src/workers/tasks/create-base.ts';
import { createSnap } from '../../src/workers/tasks/create-snap.ts';
import { deactivate } from '../../src/workers/tasks/deactivate.ts';
import { growThin } from '../../src/workers/tasks/grow-thin.ts';
import { listDevices } from '../../src/workers/tasks/list-devices.ts';
import { poolFacts } from '../../src/workers/tasks/pool-facts.ts';
import { poolTag } from '../../src/workers/tasks/pool-tag.ts';
import { poolThinIds } from '../../src/workers/tasks/pool-thin-ids.ts';
import { sealThin } from '../../src/workers/tasks/seal-thin.ts';
import { snapActive } from '../../src/workers/tasks/snap-active.ts';
import { thinMapped } from '../../src/workers/tasks/thin-mapped.ts';
import { faultOf } from '../support/faults.ts';
import { clearThins, deviceNames, makePool, POOL, POOL_UUID, removePool, thin } from './support/pool.ts';
import { removeThin } from './support/removal.ts';
import { shell } from './support/shell.ts';

const MKFS = { fsType: 'ext4', options: [] } as const;
const BASE = thin(1);
const RESTING: Origin = { state: 'resting', thinId: BASE.thinId };
const ROUNDS = 10;

function pathOf({ name }: { name: string }): string {
  return `/dev/mapper/${name}`;
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

/** Waits until udevd, if there is one, has done all that it was told. */
async function settle(): Promise<void> {
  await shell('udevadm', 'settle', '--timeout=20').catch(() => '');
}

/** Leaves a link at the base's path, in place of what udevd may yet be taking away. */
async function leaveLink(target: string): Promise<void> {
  await settle();
  await rm(pathOf(BASE), { force: true });
  await symlink(target, pathOf(BASE));
}

async function write(path: string, sizeMib: number): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    await handle.write(Buffer.alloc(sizeMib * MIB, 7), 0, sizeMib * MIB, 0);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function taskSuite(kind: EngineKind): void {
  const test = suite<{ engine: Engine }>(`thin tasks through ${kind}`);

  test.before(async (context) => {
    context.engine = (await chooseEngine(kind)).engine;
    await makePool();
    const { mappedBytes, status } = await createBase(context.engine, { activation: BASE, mkfs: MKFS });
    assert.ok(mappedBytes > 0);
    assert.is(status.mode, 'rw');
    assert.not((await deviceNames()).includes(BASE.name));
    assert.not(await isThere(pathOf(BASE)));
  });
  test.after.each(clearThins);
  test.after(async () => removePool());

  test('createSnap answers with a path that leads to a clean file system', async ({ engine }) => {
    const activation = thin(10);
    await createSnap(engine, { activation, origin: RESTING });
    assert.match(await shell('blkid', '-p', '-o', 'value', '-s', 'TYPE', pathOf(activation)), /^ext4$/);
    await shell('e2fsck', '-fn', pathOf(activation));
    await settle();
    assert.ok(await isThere(pathOf(activation)));
  });

  test('growThin lets the file system of a larger snapshot fill it', async ({ engine }) => {
    const activation = { ...thin(11), sizeSectors: parseSectors(262_144) };
    await createSnap(engine, { activation, origin: RESTING });
    await growThin({ name: activation.name, fsType: 'ext4' });
    const blocks = /Block count:\s+(\d+)[\s\S]*Block size:\s+(\d+)/.exec(
      await shell('dumpe2fs', '-h', pathOf(activation)),
    );
    assert.is(Number(blocks?.[1]) * Number(blocks?.[2]), 128 * MIB);
  });

  test('createSnap of an active origin leaves it resumed', async ({ engine }) => {
    await activate(engine, BASE);
    const origin: Origin = { state: 'active', thinId: BASE.thinId, name: BASE.name };
    await createSnap(engine, { activation: thin(12), origin });
    assert.not((await engine.info(BASE.name)).suspended);
  });

  test('createSnap of an origin that a crash left suspended resumes it', async ({ engine }) => {
    await activate(engine, BASE);
    await engine.suspend(BASE.name);
    const origin: Origin = { state: 'active', thinId: BASE.thinId, name: BASE.name };
    await createSnap(engine, { activation: thin(13), origin });
    assert.not((await engine.info(BASE.name)).suspended);
  });

  test('createSnap leaves a taken thin id alone', async ({ engine }) => {
    await createSnap(engine, { activation: thin(14), origin: RESTING });
    const fault = await faultOf(createSnap(engine, { activation: thin(14), origin: RESTING }));
    assert.is(fault.code, 'thin-id-taken');
    assert.ok((await engine.info(thin(14).name)).live);
    assert.ok((await poolThinIds(engine, { pool: POOL })).includes(parseThinId(14)));
  });

  test('snapActive answers what the origin maps and activates nothing', async ({ engine }) => {
    await createSnap(engine, { activation: thin(15), origin: RESTING });
    const mappedBefore = await thinMapped(engine, { name: thin(15).name });
    await write(pathOf(thin(15)), 8);
    const origin: Origin = { state: 'active', thinId: thin(15).thinId, name: thin(15).name };
    const { mappedBytes } = await snapActive(engine, { pool: POOL, poolTag: null, thinId: parseThinId(16), origin });
    assert.is(mappedBytes, await thinMapped(engine, { name: thin(15).name }));
    assert.ok(mappedBytes > mappedBefore);
    assert.not((await engine.info(thin(15).name)).suspended);
    assert.not((await deviceNames()).includes(thin(16).name));
  });

  test('activate does nothing more when the device is active', async ({ engine }) => {
    await activate(engine, BASE);
    const { number } = await engine.info(BASE.name);
    await activate(engine, BASE);
    assert.equal((await engine.info(BASE.name)).number, number);
  });

  test('activate mends a device that a crash left suspended, half-made or of the other mode', async ({ engine }) => {
    await activate(engine, BASE);
    await engine.suspend(BASE.name);
    await activate(engine, BASE);
    assert.not((await engine.info(BASE.name)).suspended);
    await activate(engine, { ...BASE, readOnly: true });
    assert.ok((await engine.info(BASE.name)).readOnly);
    await deactivate(engine, { ...BASE, fate: 'returns' });
    await shell('dmsetup', 'create', BASE.name, '--notable', '--uuid', BASE.uuid);
    await activate(engine, BASE);
    assert.ok((await engine.info(BASE.name)).live);
  });

  test('activate replaces the link of an earlier device', async ({ engine }) => {
    await leaveLink('../dm-0');
    await activate(engine, BASE);
    const { number } = await engine.info(BASE.name);
    assert.is(await shell('stat', '-L', '-c', '%T', pathOf(BASE)), number.minor.toString(16));
  });

  test('activate, deactivate and removeThin leave the device of someone else alone', async ({ engine }) => {
    await activate(engine, { ...BASE, uuid: 'thinsnap-test-stranger' });
    assert.is((await faultOf(activate(engine, BASE))).code, 'precondition');
    assert.is((await faultOf(deactivate(engine, { ...BASE, fate: 'returns' }))).code, 'precondition');
    assert.is((await faultOf(removeThin(engine, { activation: BASE, discard: true }))).code, 'precondition');
    assert.ok((await engine.info(BASE.name)).live);
  });

  test('deactivate takes device and path away, and is content when both are gone', async ({ engine }) => {
    await activate(engine, BASE);
    await deactivate(engine, { ...BASE, fate: 'returns' });
    assert.not((await deviceNames()).includes(BASE.name));
    assert.not(await isThere(pathOf(BASE)));
    await leaveLink('../dm-999');
    await deactivate(engine, { ...BASE, fate: 'returns' });
    assert.not(await isThere(pathOf(BASE)));
  });

  test('deactivate takes a suspended device away', async ({ engine }) => {
    await activate(engine, BASE);
    await engine.suspend(BASE.name);
    await deactivate(engine, { ...BASE, fate: 'returns' });
    assert.not((await deviceNames()).includes(BASE.name));
  });

  test('a path outlives udevd when its name comes and goes', async ({ engine }) => {
    for (let round = 0; round < ROUNDS; round += 1) {
      await activate(engine, BASE);
      await deactivate(engine, { ...BASE, fate: 'returns' });
    }
    await activate(engine, BASE);
    const { number } = await engine.info(BASE.name);
    await settle();
    assert.is(await shell('stat', '-L', '-c', '%T', pathOf(BASE)), number.minor.toString(16));
  });

  test('deactivate and removeThin answer device-busy while the device is open', async ({ engine }) => {
    await createSnap(engine, { activation: thin(17), origin: RESTING });
    const handle = await open(pathOf(thin(17)), 'r');
    try {
      assert.is((await faultOf(deactivate(engine, { ...thin(17), fate: 'returns' }))).code, 'device-busy');
      const before = await poolFacts(engine, { pool: POOL });
      assert.is((await faultOf(removeThin(engine, { activation: thin(17), discard: true }))).code, 'device-busy');
      assert.is((await poolFacts(engine, { pool: POOL })).status.usedDataBlocks, before.status.usedDataBlocks);
    } finally {
      await handle.close();
    }
    await removeThin(engine, { activation: thin(17), discard: true });
    assert.not((await poolThinIds(engine, { pool: POOL })).includes(parseThinId(17)));
  });

  test('removeThin gives the blocks back and is content when all is gone', async ({ engine }) => {
    const before = await poolFacts(engine, { pool: POOL });
    await createSnap(engine, { activation: thin(18), origin: RESTING });
    await write(pathOf(thin(18)), 8);
    await activate(engine, { ...thin(18), readOnly: true });
    await removeThin(engine, { activation: thin(18), discard: true });
    const status = await removeThin(engine, { activation: thin(18), discard: true });
    assert.is(status.usedDataBlocks, before.status.usedDataBlocks);
    assert.not(await isThere(pathOf(thin(18))));
  });

  test('sealThin tells who has the device open, and commits when nobody has', async ({ engine }) => {
    await createSnap(engine, { activation: thin(19), origin: RESTING });
    await settle();
    const handle = await open(pathOf(thin(19)), 'r');
    try {
      assert.ok((await sealThin(engine, { pool: POOL, poolTag: null, name: thin(19).name })).open);
    } finally {
      await handle.close();
    }
    const sealed = await sealThin(engine, { pool: POOL, poolTag: null, name: thin(19).name });
    assert.not(sealed.open);
    assert.is(sealed.mappedBytes, await thinMapped(engine, { name: thin(19).name }));
  });

  test('poolTag moves the transaction id only from where it is', async ({ engine }) => {
    const { status } = await poolFacts(engine, { pool: POOL });
    const { transactionId } = status;
    assert.is((await poolTag(engine, { pool: POOL, from: transactionId, to: 77 })).transactionId, 77);
    const fault = await faultOf(poolTag(engine, { pool: POOL, from: transactionId, to: 78 }));
    assert.is(fault.code, 'precondition');
    await poolTag(engine, { pool: POOL, from: 77, to: transactionId });
  });

  test('poolFacts tells the pool from other devices', async ({ engine }) => {
    const facts = await poolFacts(engine, { pool: POOL });
    assert.equal([facts.uuid, facts.dataBlockSectors], [POOL_UUID, 128]);
    assert.is((await faultOf(poolFacts(engine, { pool: 'thinsnap-test-data' }))).code, 'invalid');
    assert.is((await faultOf(poolFacts(engine, { pool: 'thinsnap-test-none' }))).code, 'device-missing');
  });

  test('poolThinIds takes over a metadata snapshot that was left, and leaves none', async ({ engine }) => {
    await engine.message(POOL, 'reserve_metadata_snap');
    assert.ok((await poolThinIds(engine, { pool: POOL })).includes(BASE.thinId));
    assert.match((await engine.status(POOL, 'noflush'))[0]?.parameters ?? '', / - rw /);
  });

  test('listDevices answers ours', async ({ engine }) => {
    await activate(engine, { ...BASE, readOnly: true });
    await settle();
    const expected = { name: BASE.name, uuid: BASE.uuid, suspended: false, readOnly: true, openCount: 0 };
    assert.equal(await listDevices(engine, { uuidPrefix: 'thinsnap-test-uuid-' }), [expected]);
  });

  test.run();
}

for (const kind of ENGINE_KINDS) taskSuite(kind);
