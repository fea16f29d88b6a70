// Volumes on a fake pool: what is left when a worker ends in the middle of its task.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ThinPoolVolumes } from '../../../src/main/volumes/thin-pool/thin-pool-volumes.ts';
import { parseThinId } from '../../../src/shared/units.ts';
import { faultOf } from '../../support/faults.ts';
import { BLOCK_SECTORS, FAKE_ENGINE, FakePool } from '../../support/model/fake-pool.ts';
import { FakeTasks } from '../../support/model/fake-tasks.ts';
import { Troubles } from '../../support/model/troubles.ts';
import { deviceOf } from '../../support/records.ts';

/** Volumes whose worker ends at that step, the first being 0. */
function dyingAt(at: number): { readonly volumes: ThinPoolVolumes; readonly pool: FakePool } {
  const pool = new FakePool();
  const troubles = new Troubles([{ at, failure: 'worker-dies', lasting: 'once' }]);
  const tasks = new FakeTasks({ pool, troubles, process: { step: async () => undefined }, stamp: () => 0 });
  const volumes = new ThinPoolVolumes({
    tasks,
    engine: FAKE_ENGINE,
    poolName: 'pool',
    description: '',
    uuidPrefix: 'thinsnap-',
    dataBlockSectors: BLOCK_SECTORS,
    status: pool.status,
    isTaken: () => false,
    lastThinId: 0,
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

test.run();
