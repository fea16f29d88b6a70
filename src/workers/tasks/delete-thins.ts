// Deletes thin ids with their blocks, for good. Each holds the pool's lock for as long as it has blocks to free that no one
// else shares. An id that is gone already is no fault, so that what failed or was killed is simply asked for again.

import { failpoint } from '../../shared/failpoints.ts';
import { type Fault, toFault } from '../../shared/faults.ts';
import type { TaskAnswer, TaskArgs } from '../../shared/tasks.ts';
import type { ThinId } from '../../shared/units.ts';
import type { Engine } from '../devmapper/engine.ts';
import { confirmCommitted, confirmSame, deleteThin } from '../devmapper/pool.ts';

export async function deleteThins(
  engine: Engine,
  { pool, poolTag, thinIds }: TaskArgs<'deleteThins'>,
): Promise<TaskAnswer<'deleteThins'>> {
  await confirmSame(engine, pool, poolTag);
  const failed = new Map<ThinId, Fault>();
  for (const thinId of thinIds) {
    try {
      await deleteThin(engine, pool, thinId);
      await failpoint('delete.sent');
    } catch (error) {
      failed.set(thinId, toFault(error));
    }
  }
  // One look for all: each message commits what came before it too, and a commit that failed leaves the pool read-only.
  return { status: await confirmCommitted(engine, pool, 'noflush'), failed };
}
