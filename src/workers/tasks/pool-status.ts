// The status of the pool that is meant, and of none that came in its place.

import type { PoolStatus, TaskArgs } from '../../shared/tasks.ts';
import type { Engine } from '../devmapper/engine.ts';
import { confirmTag, readPool } from '../devmapper/pool.ts';

export async function poolStatus(engine: Engine, { pool, poolTag }: TaskArgs<'poolStatus'>): Promise<PoolStatus> {
  const status = await readPool(engine, pool, 'noflush');
  confirmTag(pool, status, poolTag);
  return status;
}
