// Makes a snapshot that is ready to be mounted. The whole of a Prepare that finds no standby waits for this, so it makes
// no call that it could do without: whether the pool is still ours, create_snap, create, load, resume, link, and the pool's
// word that it holds.

import { failpoint } from '../../shared/failpoints.ts';
import type { PoolStatus, TaskArgs } from '../../shared/tasks.ts';
import type { Engine } from '../devmapper/engine.ts';
import { confirmRoom, confirmSame, deleteThin, withSuspended } from '../devmapper/pool.ts';
import { createFreshDevice, removeOwn } from '../devmapper/thin-device.ts';
import { withUndo } from '../undo.ts';

export function createSnap(engine: Engine, args: TaskArgs<'createSnap'>): Promise<PoolStatus> {
  const { activation, origin } = args;
  const { pool, thinId, name } = activation;
  return withUndo(async (note) => {
    await confirmSame(engine, pool, activation.poolTag);
    const takeSnap = async (): Promise<void> => {
      if (origin.state === 'active') await failpoint('create-snap.suspended');
      // A fault here leaves nothing to undo: an id that is taken is not ours.
      await engine.message(pool, `create_snap ${thinId} ${origin.thinId}`);
      note(`thin id ${thinId}`, () => deleteThin(engine, pool, thinId));
      await failpoint('create-snap.sent');
    };
    // The kernel does not refuse a snapshot of an origin that is taking writes: it corrupts it (thin-provisioning.rst).
    if (origin.state === 'active') await withSuspended(engine, origin.name, takeSnap);
    else await takeSnap();
    await failpoint('create-snap.resumed');
    await createFreshDevice(engine, activation);
    note(`device "${name}"`, () => removeOwn(engine, activation, 'never'));
    await failpoint('create-snap.activated');
    return confirmRoom(engine, pool, 'noflush');
  });
}
