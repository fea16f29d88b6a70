// Volumes on a fake pool: what is left when a worker ends in the middle of its task.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Gate } from '../../../src/main/lanes.ts';
import { ThinPoolVolumes } from '../../../src/main/volumes/thin-pool/thin-pool-volumes.ts';
import { parseThinId } from '../../../src/shared/units.ts';
import { faultOf } from '../../support/faults.ts';
import { Latch, settled } from '../../support/latch.ts';
import { BLOCK_SECTORS, FAKE_ENGINE, FakePool } from '../../support/model/fake-pool.ts';
import { FakeTasks } from '../../support/model/fake-tasks.ts';
import { type StepFailure, Troubles } from '../../support/model/troubles.ts';
import { deviceOf } from '../../support/records.ts';

/** Volumes whose worker ends at that step, the first being 0. */
function dyingAt(
  at: number,
  failure: StepFailure = 'worker-dies',
  step: () => Promise<void> = async () => undefined,
): { readonly volumes: ThinPoolVolumes; readonly pool: FakePool } {
  const pool = new FakePool();
  const troubles = new Troubles([{ at, failure, lasting: 'once' }]);
  const tasks = new FakeTasks({ pool, troubles, process: { step }, stamp: () => 0 });
  const volumes = new ThinPoolVolumes({
    tasks,
    engine: FAKE_ENGINE,
    poolName: 'pool',
    poolTag: null,
    known: { makeup: null, autoextend: { thresholdPercent: 100, percent: 20 } },
    description: '',
    uuidPrefix: 'thinsnap-',
    dataBlockSectors: BLOCK_SECTORS,
    status: pool.status,
    isTaken: () => false,
    lastThinId: 0,
    isForeign: () => false,
    mountOptions: [],
    discardBlocks: false,
  });
  return { volumes, pool };
}

for (const [what, at] of [
  ['before the snapshot', 3],
  ['after the snapshot', 4],
  ['at the resume', 5],
] as const) {
  test(`ThinPoolVolumes leaves no origin suspended when the worker ended ${what}`, async () => {
    const { volumes, pool } = dyingAt(at);
    const origin = deviceOf(1);
    pool.createThin(parseThinId(1));
    // Two steps, and then suspend, create_snap, status, resume.
    await volumes.activate(origin, 'rw');
    assert.is((await faultOf(volumes.snapshotInUse(deviceOf(2), origin))).code, 'unavailable');
    assert.equal(
      [...pool.devices.values()].map(({ suspended }) => suspended),
      [false],
    );
  });
}

test('ThinPoolVolumes activates a device again whose worker ended just after it had deactivated it', async () => {
  // Two steps activate it, the third takes it away.
  const { volumes, pool } = dyingAt(2, 'worker-dies-late');
  const device = deviceOf(1);
  pool.createThin(parseThinId(1));
  await volumes.activate(device, 'ro');
  assert.is((await faultOf(volumes.deactivate(device))).code, 'unavailable');
  assert.is(pool.devices.size, 0);
  assert.is(volumes.activity(device), 'unsure');
  await volumes.activate(device, 'ro');
  assert.is(pool.devices.size, 1);
  assert.is(volumes.activity(device), 'ro');
});

test('ThinPoolVolumes deactivates a device whose worker ended just after it had activated it', async () => {
  const { volumes, pool } = dyingAt(1, 'worker-dies-late');
  const device = deviceOf(1);
  pool.createThin(parseThinId(1));
  assert.is((await faultOf(volumes.activate(device, 'ro'))).code, 'unavailable');
  assert.is(pool.devices.size, 1);
  await volumes.deactivate(device);
  assert.is(pool.devices.size, 0);
  assert.is(volumes.activity(device), 'none');
});

test('ThinPoolVolumes suspends an origin around a snapshot when it cannot tell whether it is at rest', async () => {
  const { volumes, pool } = dyingAt(1, 'worker-dies-late');
  const origin = deviceOf(1);
  pool.createThin(parseThinId(1));
  assert.is((await faultOf(volumes.activate(origin, 'rw'))).code, 'unavailable');
  await volumes.createSnapshot(deviceOf(2), origin);
  assert.equal(pool.violations, []);
});

test('ThinPoolVolumes takes snapshots side by side of an origin whose read-only activation was lost', async () => {
  const { volumes, pool } = dyingAt(1);
  const origin = deviceOf(1);
  pool.createThin(parseThinId(1));
  assert.is((await faultOf(volumes.activate(origin, 'ro'))).code, 'unavailable');
  // Nobody can write to it, so nothing is suspended: it may not even be there.
  await Promise.all([2, 3].map((id) => volumes.createSnapshot(deviceOf(id), origin)));
  assert.equal(pool.violations, []);
});

for (const [mode, meanwhile] of [
  ['rw', 'unknown'],
  ['ro', 'unsure'],
] as const) {
  test(`ThinPoolVolumes takes a device for ${meanwhile} for as long as its activation (${mode}) hangs`, async () => {
    const kernel = new Latch();
    const { volumes, pool } = dyingAt(Number.POSITIVE_INFINITY, 'worker-dies', () => kernel.opened);
    const device = deviceOf(1);
    pool.createThin(parseThinId(1));
    const activated = volumes.activate(device, mode);
    await settled();
    assert.is(volumes.activity(device), meanwhile);
    kernel.open();
    await activated;
    assert.is(volumes.activity(device), mode);
  });
}

for (const [whenFull, faulty] of [
  ['error', [1]],
  ['queue', []],
] as const) {
  test(`ThinPoolVolumes knows what was in use while a full pool had writers ${whenFull}, until it is removed`, async () => {
    const { volumes, pool } = dyingAt(Number.POSITIVE_INFINITY);
    const [used, later] = [deviceOf(1), deviceOf(2)];
    for (const id of [1, 2]) pool.createThin(parseThinId(id));
    await volumes.activate(used, 'rw');
    pool.full = whenFull;
    await volumes.refreshSpace();
    pool.full = null;
    await volumes.refreshSpace();
    await volumes.activate(later, 'rw');
    assert.equal([...volumes.faulty], faulty);
    await volumes.remove(used, new Gate(1));
    assert.equal([...volumes.faulty], []);
  });
}

test('ThinPoolVolumes is told by the records what was faulty in an earlier life', async () => {
  const { volumes } = dyingAt(Number.POSITIVE_INFINITY);
  const devices = [deviceOf(1, { state: 'Faulty' }), deviceOf(2, { state: 'Activated' })];
  await volumes.recover(new Map(devices.map((device) => [device.id, device])), 'take-away');
  assert.equal([...volumes.faulty], [1]);
});

test.run();
