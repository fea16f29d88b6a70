// Reset over volumes of nothing: what goes, what it is refused for, who is refused meanwhile, and what is left.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Change } from '../../../src/main/catalog/tables.ts';
import { Door } from '../../../src/main/door.ts';
import { reset } from '../../../src/main/snapshots/reset.ts';
import { FaultError } from '../../../src/shared/faults.ts';
import { parseDeviceId } from '../../../src/shared/units.ts';
import { type Admin, withAdmin } from '../../support/admin.ts';
import { faultOf } from '../../support/faults.ts';
import { Latch } from '../../support/latch.ts';
import { activeOf, deviceOf, snapshotOf, viewOf } from '../../support/records.ts';
import { PIPE, runOn } from '../cli/support.ts';

const test = suite('reset');

const FAMILY: readonly Change[] = [
  { kind: 'put-device', device: deviceOf(1, { purpose: { kind: 'base', fsOptions: [] } }) },
  { kind: 'put-device', device: deviceOf(2, { originId: parseDeviceId(1) }) },
  { kind: 'put-device', device: deviceOf(3, { originId: parseDeviceId(2), state: 'Activated' }) },
  { kind: 'put-device', device: deviceOf(4, { originId: parseDeviceId(3) }) },
  { kind: 'put-snapshot', snapshot: snapshotOf('layer', 2) },
  { kind: 'put-snapshot', snapshot: snapshotOf('upper', 4, { parent: 'layer' }) },
  { kind: 'put-snapshot', snapshot: { ...activeOf('web', 3), parent: 'upper' } },
  { kind: 'put-snapshot', snapshot: viewOf('view', 2, 'layer') },
];

async function withFamily(action: (admin: Admin, ask: Ask) => Promise<void>): Promise<void> {
  await withAdmin(async (admin) => {
    await admin.core.catalog.write(FAMILY);
    await action(admin, (...args) => runOn(PIPE, 'reset', '--admin-address', admin.address, ...args));
  });
}

type Ask = (...args: readonly string[]) => ReturnType<typeof runOn>;

test('thinsnap reset removes every snapshot, children first, and every device', async () => {
  await withFamily(async ({ core }, ask) => {
    const gone: string[] = [];
    core.catalog.observe((changes) => {
      for (const change of changes) if (change.kind === 'delete-snapshot') gone.push(change.key);
    });
    assert.equal(await ask('--yes'), { status: 0, out: 'Everything was removed\n', error: '' });
    const { snapshots, devices } = core.catalog.tables;
    assert.equal([snapshots.size, devices.size], [0, 0]);
    assert.equal(core.volumes.calls.toSorted(), ['remove 1', 'remove 2', 'remove 3', 'remove 4']);
    assert.ok(gone.indexOf('web') < gone.indexOf('upper') && gone.indexOf('upper') < gone.indexOf('layer'));
    assert.ok(gone.indexOf('view') < gone.indexOf('layer'));
    assert.equal(JSON.parse((await ask('--yes', '--json')).out), { snapshots_left: 0, devices_left: 0 });
  });
});

test('thinsnap reset wants --yes where nobody can be asked', async () => {
  await withFamily(async ({ core }, ask) => {
    const { status, error } = await ask();
    assert.is(status, 2);
    assert.match(error, 'give --yes');
    assert.is(core.catalog.tables.snapshots.size, 4);
  });
});

test('thinsnap reset is refused for what is mounted and for clients, unless it is forced', async () => {
  await withFamily(async ({ core, clients }, ask) => {
    core.volumes.open.add(3);
    assert.match((await ask('--yes')).error, 'Cannot reset: thing 3 mounted or open');
    core.volumes.open.clear();
    clients.connected = 1;
    assert.match((await ask('--yes')).error, '1 clients are connected');
    assert.equal([core.catalog.tables.snapshots.size, core.volumes.calls], [4, []]);
    // What is in use stays the reaper's.
    core.volumes.act = async (call) => {
      if (call === 'remove 3') throw new FaultError('device-busy', 'Cannot remove: open');
    };
    const forced = await ask('--yes', '--force');
    assert.equal([forced.status, forced.out], [1, '1 device left: in use, and removed once closed\n']);
    assert.equal(
      [...core.catalog.tables.devices.values()].map(({ id, state }) => [id, state]),
      [[3, 'Removing']],
    );
    core.volumes.act = async () => undefined;
    assert.is((await ask('--yes', '--force')).status, 0);
  });
});

test('reset() waits for the calls inside, refuses those that come and a second one, and lets calls in again', async () => {
  await withFamily(async ({ context }) => {
    const inside = new Latch();
    const call = context.door.pass(() => inside.opened);
    const options = { force: true, clients: async () => 0, signal: new AbortController().signal };
    const resetting = reset(context, options);
    assert.is((await faultOf(context.door.pass(async () => undefined))).code, 'unavailable');
    assert.is((await faultOf(reset(context, options))).code, 'unavailable');
    assert.is(context.catalog.tables.snapshots.size, 4);
    inside.open();
    await call;
    await resetting;
    assert.is(await context.door.pass(async () => context.catalog.tables.devices.size), 0);
  });
});

test('Door lets calls in again when what closed it fails', async () => {
  const door = new Door();
  const failing = door.withClosed('a test', async () => {
    throw new FaultError('io', 'no');
  });
  assert.is((await faultOf(failing)).code, 'io');
  assert.is(await door.pass(async () => 7), 7);
});

test.run();
