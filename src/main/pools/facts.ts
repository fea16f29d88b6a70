// What the kernel says of a pool that may not be active.

import { isFault } from '../../shared/faults.ts';
import type { PoolFacts } from '../../shared/tasks.ts';
import type { TaskPool } from '../task-pool.ts';

/** Null when there is no such device. Fault `invalid` when it is no pool. */
export async function factsIfActive(tasks: Pick<TaskPool, 'run'>, pool: string): Promise<PoolFacts | null> {
  try {
    return await tasks.run('poolFacts', { pool });
  } catch (error) {
    if (isFault(error, 'device-missing')) return null;
    throw error;
  }
}
