// Deletes a thin id with its blocks, for good. It holds the pool's lock for as long as it has blocks to free that no one
// else shares. An id that is gone already is no fault, so that what failed or was killed is simply asked for again.

import { failpoint } from '../../shared/failpoints.ts';
import type { PoolStatus, TaskArgs } from '../../shared/tasks.ts';
import type { Engine } from '../devmapper/engine.ts';
import { confirmCommitted, confirmSame, deleteThin as sendDelete } from '../devmapper/pool.ts';

export async function deleteThin(
  engine: Engine,
  { pool, poolTag, thinId }: TaskArgs<'deleteThin'>,
): Promise<PoolStatus> {
  await confirmSame(engine, pool, poolTag);
  await sendDelete(engine, pool, thinId);
  await failpoint('delete.sent');
  return confirmCommitted(engine, pool, 'noflush');
}
