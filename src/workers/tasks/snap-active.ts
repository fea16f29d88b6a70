// A snapshot of a device that is mounted somewhere, and what that device mapped at the very moment.

import { failpoint } from '../../shared/failpoints.ts';
import { assert } from '../../shared/faults.ts';
import type { TaskAnswer, TaskArgs } from '../../shared/tasks.ts';
import type { Engine } from '../devmapper/engine.ts';
import { confirmRoom, confirmSame, deleteThin, readMapped, withSuspended } from '../devmapper/pool.ts';
import { withUndo } from '../undo.ts';

export function snapActive(engine: Engine, args: TaskArgs<'snapActive'>): Promise<TaskAnswer<'snapActive'>> {
  const { pool, poolTag, thinId, origin } = args;
  assert(origin.state === 'active', 'snapActive needs an origin that is active');
  return withUndo(async (note) => {
    await confirmSame(engine, pool, poolTag);
    const mappedBytes = await withSuspended(engine, origin.name, async () => {
      await failpoint('snap-active.suspended');
      await engine.message(pool, `create_snap ${thinId} ${origin.thinId}`);
      note(`thin id ${thinId}`, () => deleteThin(engine, pool, thinId));
      await failpoint('snap-active.sent');
      return readMapped(engine, origin.name);
    });
    await failpoint('snap-active.resumed');
    return { status: await confirmRoom(engine, pool, 'noflush'), mappedBytes };
  });
}
