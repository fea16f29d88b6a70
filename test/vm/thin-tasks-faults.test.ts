// The thin-pool tasks when something fails in the middle: nothing is left, nothing stays suspended, and nothing is
// answered as done that the pool has not committed.

import { lstat, open } from 'node:fs/promises';
import { suite, test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Origin } from '../../src/shared/tasks.ts';
import { MIB } from '../../src/shared/units.ts';
import { chooseEngine } from '../../src/workers/devmapper/choose-engine.ts';
import type { Engine } from '../../src/workers/devmapper/engine.ts';
import { activate } from '../../src/workers/tasks/activate.ts';
import { createBase } from '../../src/workers/tasks/create-base.ts';
import { createSnap } from '../../src/workers/tasks/create-snap.ts';
import { deactivate } from '../../src/workers/tasks/deactivate.ts';
import { poolFacts } from '../../src/workers/tasks/pool-facts.ts';
import { poolThinIds } from '../../src/workers/tasks/pool-thin-ids.ts';
import { sealThin } from '../../src/workers/tasks/seal-thin.ts';
import { snapActive } from '../../src/workers/tasks/snap-active.ts';
import { faultOf } from '../support/faults.ts';
import { CountingEngine } from './support/counting-engine.ts';
import {
  clearDevices,
  clearThins,
  deviceNames,
  failMetadataWrites,
  makePool,
  POOL,
  removePool,
  thin,
} from './support/pool.ts';
import { removeThin } from './support/removal.ts';

const BASE = thin(1);
const SNAP = thin(2);
const ACTIVE: Origin = { state: 'active', thinId: BASE.thinId, name: BASE.name };
const RESTING: Origin = { state: 'resting', thinId: BASE.thinId };
const MKFS = { fsType: 'ext4', options: [] } as const;
const STEPS_MAX = 20;
const THINS_MAX = 1_000;

async function openEngine(): Promise<Engine> {
  return (await chooseEngine('ioctl')).engine;
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

/**
 * Fails the first call that the task makes, then the second, until it makes fewer; what each leaves is for `check`.
 * Answers how many calls the task makes.
 */
async function failEachStep(task: (engine: Engine) => Promise<unknown>, check: () => Promise<void>): Promise<number> {
  const engine = await openEngine();
  for (let step = 1; step < STEPS_MAX; step += 1) {
    const counting = new CountingEngine(engine, step);
    const outcome = await task(counting).then(
      () => 'done',
      () => 'failed',
    );
    if (!counting.hasFailed) return step - 1;
    // A call that is tried again fails nothing.
    if (outcome === 'done') await removeThin(engine, { activation: SNAP, discard: false });
    await check();
  }
  throw new Error(`The task makes more than ${STEPS_MAX} calls`);
}

const steps = suite('thin tasks, each step failed once');

steps.before.each(async () => {
  await makePool();
  const engine = await openEngine();
  await engine.message(POOL, 'create_thin 1');
  await activate(engine, BASE);
});
steps.after.each(async () => {
  await clearThins();
  await removePool();
});

async function nothingIsLeft(): Promise<void> {
  const engine = await openEngine();
  assert.equal(await poolThinIds(engine, { pool: POOL }), [BASE.thinId]);
  assert.not((await deviceNames()).includes(SNAP.name));
  assert.not(await isThere(`/dev/mapper/${SNAP.name}`));
  assert.not((await engine.info(BASE.name)).suspended);
}

steps('createSnap of an active origin leaves nothing when any of its calls fails', async () => {
  const task = (engine: Engine): Promise<unknown> => createSnap(engine, { activation: SNAP, origin: ACTIVE });
  assert.is(await failEachStep(task, nothingIsLeft), 5);
});

steps('createSnap of a resting origin makes three calls of the engine, and leaves nothing when one fails', async () => {
  const task = (engine: Engine): Promise<unknown> => createSnap(engine, { activation: SNAP, origin: RESTING });
  assert.is(await failEachStep(task, nothingIsLeft), 3);
});

steps('snapActive leaves nothing when any of its calls fails', async () => {
  const origin = ACTIVE;
  await failEachStep(
    (engine) => snapActive(engine, { pool: POOL, poolTag: null, thinId: SNAP.thinId, origin }),
    nothingIsLeft,
  );
});

steps('createBase leaves nothing when any of its calls fails', async () => {
  await failEachStep((engine) => createBase(engine, { activation: SNAP, mkfs: MKFS }), nothingIsLeft);
});

steps('createBase leaves nothing when mkfs fails', async () => {
  const engine = await openEngine();
  const mkfs = { fsType: 'ext4', options: ['-b', '3'] } as const;
  await faultOf(createBase(engine, { activation: SNAP, mkfs }));
  await nothingIsLeft();
});

steps('removeThin asked for again finishes what any failed call left', async () => {
  const engine = await openEngine();
  await failEachStep(
    async (counting) => {
      await createSnap(engine, { activation: SNAP, origin: RESTING });
      await removeThin(counting, { activation: SNAP, discard: true });
    },
    async () => {
      await removeThin(engine, { activation: SNAP, discard: true });
      await nothingIsLeft();
    },
  );
});

steps('activate and deactivate asked for again finish what any failed call left', async () => {
  const engine = await openEngine();
  const cycle = async (which: Engine): Promise<void> => {
    await activate(which, BASE);
    await deactivate(which, { ...BASE, fate: 'returns' });
  };
  await failEachStep(cycle, () => cycle(engine));
  assert.not((await deviceNames()).includes(BASE.name));
});

steps.run();

test.after.each(clearDevices);

test('no task answers as done what failing metadata did not commit', async () => {
  await makePool();
  const engine = await openEngine();
  await createBase(engine, { activation: BASE, mkfs: MKFS });
  await activate(engine, BASE);
  await failMetadataWrites();
  const fault = await faultOf(createSnap(engine, { activation: SNAP, origin: ACTIVE }));
  assert.is(fault.code, 'pool-unsound');
  assert.match(fault.message, /left behind: thin id 2/);
  assert.not((await deviceNames()).includes(SNAP.name));
  assert.not((await engine.info(BASE.name)).suspended);
  for (const task of [
    () => snapActive(engine, { pool: POOL, poolTag: null, thinId: thin(3).thinId, origin: ACTIVE }),
    () => sealThin(engine, { pool: POOL, poolTag: null, name: BASE.name }),
    () => removeThin(engine, { activation: thin(9), discard: false }),
    () => createBase(engine, { activation: thin(4), mkfs: MKFS }),
  ]) {
    assert.is((await faultOf(task())).code, 'pool-unsound');
  }
  assert.not((await engine.info(BASE.name)).suspended);
  await removePool();
});

test('createSnap and sealThin answer no-space on a full pool, leave nothing, and removeThin heals it', async () => {
  const size = { metadataMib: 4, dataMib: 32 };
  await makePool(size);
  const engine = await openEngine();
  await engine.message(POOL, 'create_thin 1');
  await activate(engine, BASE);
  const handle = await open(`/dev/mapper/${BASE.name}`, 'r+');
  try {
    await handle.write(Buffer.alloc(48 * MIB, 7), 0, 48 * MIB, 0);
    await handle.sync().catch(() => undefined);
  } finally {
    await handle.close();
  }
  assert.is((await poolFacts(engine, { pool: POOL })).status.mode, 'out_of_data_space');
  const fault = await faultOf(createSnap(engine, { activation: SNAP, origin: ACTIVE }));
  assert.is(fault.code, 'no-space');
  assert.match(fault.message, /512 of 512 data blocks are used\. Remove snapshots/);
  // What is still to be written would be lost, or wait.
  assert.is((await faultOf(sealThin(engine, { pool: POOL, poolTag: null, name: BASE.name }))).code, 'no-space');
  assert.equal(await poolThinIds(engine, { pool: POOL }), [BASE.thinId]);
  assert.not((await deviceNames()).includes(SNAP.name));
  const status = await removeThin(engine, { activation: BASE, discard: true });
  assert.is(status.usedDataBlocks, 0);
  assert.is((await poolFacts(engine, { pool: POOL })).status.mode, 'rw');
  await removePool(size);
});

test('createSnap and createBase answer a fault when the metadata is full, and leave no device', async () => {
  const size = { metadataMib: 2, dataMib: 256 };
  await makePool(size);
  const engine = await openEngine();
  await engine.message(POOL, 'create_thin 1');
  await activate(engine, BASE);
  const fill = async (): Promise<void> => {
    for (let number = 100; number < THINS_MAX; number += 1) await engine.message(POOL, `create_thin ${number}`);
  };
  assert.is((await faultOf(fill())).code, 'pool-unsound');
  const snap = createSnap(engine, { activation: SNAP, origin: ACTIVE });
  assert.is((await faultOf(snap)).code, 'pool-unsound');
  assert.is((await faultOf(createBase(engine, { activation: thin(3), mkfs: MKFS }))).code, 'pool-unsound');
  assert.equal(
    (await deviceNames()).filter((name) => name === SNAP.name || name === thin(3).name),
    [],
  );
  assert.not((await engine.info(BASE.name)).suspended);
  await removePool(size);
});

test.run();
