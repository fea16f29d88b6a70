// vm: both
// The contract of the two engines, on a real pool: the same answers and the same fault codes from each.

import { constants } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { Piscina } from 'piscina';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ENGINE_KINDS, type EngineKind } from '../../src/shared/tasks.ts';
import { parseSectors } from '../../src/shared/units.ts';
import type { WorkerSetup } from '../../src/shared/worker-setup.ts';
import { chooseEngine } from '../../src/workers/devmapper/choose-engine.ts';
import type { Engine, NewDevice } from '../../src/workers/devmapper/engine.ts';
import { thinTable } from '../../src/workers/devmapper/status.ts';
import { faultOf } from '../support/faults.ts';
import {
  clearDevices,
  clearThins,
  create,
  deviceNames,
  linear,
  makePool,
  POOL,
  POOL_UUID,
  removePool,
  thin,
} from './support/pool.ts';
import { shell } from './support/shell.ts';

const SNAPS: Record<EngineKind, number> = { ioctl: 64, dmsetup: 8 };
const THREADS = 8;
const MANY_DEVICES = 300;

function deviceOf(number: number): NewDevice {
  const { name, uuid, readOnly, thinId, sizeSectors } = thin(number);
  return { name, uuid, readOnly, table: thinTable({ poolPath: `/dev/mapper/${POOL}`, thinId, sizeSectors }) };
}

async function codeOf(action: Promise<unknown>): Promise<string> {
  return (await faultOf(action)).code;
}

function isOk(reply: unknown): boolean {
  return typeof reply === 'object' && reply !== null && 'ok' in reply && reply.ok === true;
}

function engineSuite(kind: EngineKind): void {
  const test = suite<{ engine: Engine; number: number; name: string }>(`engine ${kind}`);

  test.before(async (context) => {
    context.engine = (await chooseEngine(kind)).engine;
    context.number = 0;
    await makePool();
  });
  // Thin ids stay behind in the pool, so each test has one of its own.
  test.before.each((context) => {
    context.number += 1;
    context.name = thin(context.number).name;
  });
  test.after.each(clearThins);
  test.after(async () => removePool());

  test('driverVersion() answers what dmsetup says', async ({ engine }) => {
    assert.match(await shell('dmsetup', 'version'), new RegExp(`Driver version:\\s+${await engine.driverVersion()}`));
  });

  test('create() makes a device that info(), table() and status() describe', async ({ engine, number, name }) => {
    await engine.message(POOL, `create_thin ${number}`);
    const created = await engine.create(deviceOf(number));
    const info = await engine.info(name);
    assert.equal(
      { ...info, openCount: 0 },
      {
        name,
        uuid: `thinsnap-test-uuid-${number}`,
        number: created,
        openCount: 0,
        live: true,
        suspended: false,
        readOnly: false,
      },
    );
    const [line] = await engine.table(name);
    assert.is(line?.target, 'thin');
    assert.is(line?.lengthSectors, 131_072);
    assert.is((await engine.status(name, 'noflush'))[0]?.parameters.trim(), '0 -');
  });

  test('create() makes a device read-only when asked', async ({ engine, number, name }) => {
    await engine.message(POOL, `create_thin ${number}`);
    await engine.create({ ...deviceOf(number), readOnly: true });
    assert.ok((await engine.info(name)).readOnly);
  });

  test('create() leaves no device when its thin id is missing', async ({ engine }) => {
    assert.is(await codeOf(engine.create(deviceOf(999))), 'thin-id-missing');
    assert.not((await deviceNames()).includes('thinsnap-test-999'));
  });

  test('create() refuses a name or a uuid that is taken and leaves its owner alone', async ({
    engine,
    number,
    name,
  }) => {
    await engine.message(POOL, `create_thin ${number}`);
    await engine.create(deviceOf(number));
    assert.is(await codeOf(engine.create({ ...deviceOf(number), uuid: 'thinsnap-test-other' })), 'device-exists');
    assert.is(await codeOf(engine.create({ ...deviceOf(number), name: 'thinsnap-test-other' })), 'device-exists');
    assert.ok((await engine.info(name)).live);
  });

  test('info() and status() tell a device without a table', async ({ engine }) => {
    await shell('dmsetup', 'create', 'thinsnap-test-half', '--notable');
    assert.not((await engine.info('thinsnap-test-half')).live);
    assert.equal(await engine.status('thinsnap-test-half', 'noflush'), []);
  });

  test('every call answers device-missing when there is no such device', async ({ engine, number }) => {
    const missing = 'thinsnap-test-missing';
    const calls: readonly (() => Promise<unknown>)[] = [
      () => engine.info(missing),
      () => engine.remove(missing),
      () => engine.suspend(missing),
      () => engine.resume(missing),
      () => engine.message(missing, `delete ${number}`),
      () => engine.status(missing, 'noflush'),
      () => engine.table(missing),
    ];
    for (const call of calls) assert.is(await codeOf(call()), 'device-missing');
  });

  test('message() answers which thin id is taken or missing', async ({ engine, number }) => {
    await engine.message(POOL, `create_thin ${number}`);
    assert.is(await codeOf(engine.message(POOL, `create_thin ${number}`)), 'thin-id-taken');
    assert.is(await codeOf(engine.message(POOL, `create_snap ${number} ${number}`)), 'thin-id-taken');
    assert.is(await codeOf(engine.message(POOL, `create_snap ${number + 1} 999`)), 'thin-id-missing');
    assert.is(await codeOf(engine.message(POOL, 'delete 999')), 'thin-id-missing');
    const fault = await faultOf(engine.message(POOL, 'set_transaction_id 5 6'));
    assert.is(fault.code, 'io');
    assert.is(fault.message, `Cannot send a message to "${POOL}" (set_transaction_id 5 6): EINVAL`);
  });

  test('message() answers pool-unsound when the pool is read-only', async ({ engine, number }) => {
    const [line] = await engine.table(POOL);
    assert.ok(line);
    const readOnly = line.parameters.replace('1 error_if_no_space', '2 error_if_no_space read_only');
    await engine.reload(POOL, { ...line, parameters: readOnly });
    try {
      assert.is(await codeOf(engine.message(POOL, `create_thin ${number}`)), 'pool-unsound');
    } finally {
      await engine.reload(POOL, line);
    }
  });

  test('remove() and a delete answer device-busy when the device is open', async ({ engine, number, name }) => {
    await engine.message(POOL, `create_thin ${number}`);
    const { minor } = await engine.create(deviceOf(number));
    const handle = await open(`/dev/dm-${minor}`, constants.O_RDONLY);
    try {
      assert.is(await codeOf(engine.remove(name)), 'device-busy');
      assert.is(await codeOf(engine.message(POOL, `delete ${number}`)), 'device-busy');
      assert.ok((await engine.info(name)).openCount >= 1);
    } finally {
      await handle.close();
    }
  });

  test('suspend() and resume() are seen by info()', async ({ engine, number, name }) => {
    await engine.message(POOL, `create_thin ${number}`);
    await engine.create(deviceOf(number));
    await engine.suspend(name);
    assert.ok((await engine.info(name)).suspended);
    await engine.resume(name);
    assert.not((await engine.info(name)).suspended);
  });

  test('reload() puts a longer table in place', async ({ engine }) => {
    await create('thinsnap-test-linear', linear('/dev/vda', 32));
    const [line] = await engine.table('thinsnap-test-linear');
    assert.ok(line);
    await engine.reload('thinsnap-test-linear', { ...line, lengthSectors: parseSectors(131_072) });
    assert.is((await engine.table('thinsnap-test-linear'))[0]?.lengthSectors, 131_072);
    assert.not((await engine.info('thinsnap-test-linear')).suspended);
  });

  test('reload() leaves the device resumed when the new table does not load', async ({ engine }) => {
    const [line] = await engine.table(POOL);
    assert.ok(line);
    const fault = await faultOf(engine.reload(POOL, { ...line, parameters: '/dev/vdb /dev/vdb 127 0 0' }));
    assert.is(fault.code, 'io');
    assert.not((await engine.info(POOL)).suspended);
  });

  test('list() answers the devices of a uuid prefix and no others', async ({ engine }) => {
    const names = (await engine.list('thinsnap-test-pool')).map(({ name, uuid }) => [name, uuid]);
    assert.equal(names, [[POOL, POOL_UUID]]);
    assert.equal(await engine.list('nothing-has-this'), []);
  });

  test('createSnap makes all snapshots when eight threads ask at once', async ({ engine, number }) => {
    await engine.message(POOL, `create_thin ${number}`);
    const setup: WorkerSetup = { childLock: null, failpoints: null, engine: kind };
    const workers = new Piscina({
      filename: new URL('../../src/workers/entry.js', import.meta.url).href,
      name: 'runTask',
      minThreads: THREADS,
      maxThreads: THREADS,
      atomics: 'disabled',
      workerData: setup,
    });
    try {
      const origin = { state: 'resting', thinId: thin(number).thinId } as const;
      const numbers = Array.from({ length: SNAPS[kind] }, (_, index) => index + 1000);
      const replies = await Promise.all(
        numbers.map(async (snap): Promise<unknown> => {
          const args = { activation: thin(snap), origin };
          return workers.run({ task: 'createSnap', args });
        }),
      );
      assert.equal(
        replies.filter((reply) => !isOk(reply)),
        [],
      );
      for (const snap of numbers) assert.ok((await stat(`/dev/mapper/${thin(snap).name}`)).isBlockDevice());
    } finally {
      await workers.destroy();
    }
  });

  test.run();
}

for (const kind of ENGINE_KINDS) engineSuite(kind);

const both = suite('both engines');
both.after.each(clearDevices);

both('list() of 300 devices is the same from each', async () => {
  const { engine: ioctl } = await chooseEngine('ioctl');
  const { engine: dmsetup } = await chooseEngine('dmsetup');
  const sectors = { startSectors: parseSectors(0), lengthSectors: parseSectors(8) };
  for (let number = 0; number < MANY_DEVICES; number += 1) {
    const name = `thinsnap-test-many-with-a-name-as-long-as-some-have-${number}`;
    const table = { ...sectors, target: 'linear', parameters: '/dev/vda 0' };
    await ioctl.create({ name, uuid: `${name}-uuid`, readOnly: number % 2 === 0, table });
  }
  const byName = (a: { name: string }, b: { name: string }): number => a.name.localeCompare(b.name);
  const seen = [...(await ioctl.list('thinsnap-test-'))].sort(byName);
  assert.is(seen.length, MANY_DEVICES);
  assert.equal(seen, [...(await dmsetup.list('thinsnap-test-'))].sort(byName));
  for (const { name } of seen) await ioctl.remove(name);
});

both.run();
