// Moves a pool's transaction id, the tie between it and the catalog, by the kernel's own compare-and-swap.

import { FaultError, isFault } from '../../shared/faults.ts';
import type { PoolStatus, TaskArgs } from '../../shared/tasks.ts';
import type { Engine } from '../devmapper/engine.ts';
import { confirmCommitted, readPool } from '../devmapper/pool.ts';

export async function poolTag(engine: Engine, { pool, from, to }: TaskArgs<'poolTag'>): Promise<PoolStatus> {
  try {
    await engine.message(pool, `set_transaction_id ${from} ${to}`);
  } catch (error) {
    // The kernel says EINVAL to a wrong `from`, as to other things: only the status tells which it was.
    if (isFault(error, 'io')) await refuseOther(engine, { pool, from });
    throw error;
  }
  const status = await confirmCommitted(engine, pool, 'noflush');
  if (status.transactionId === to) return status;
  throw new FaultError(
    'pool-unsound',
    `Cannot rely on pool "${pool}": its transaction id is ${status.transactionId} after it was set to ${to}`,
  );
}

async function refuseOther(engine: Engine, { pool, from }: { pool: string; from: number }): Promise<void> {
  const { transactionId } = await readPool(engine, pool, 'noflush');
  if (transactionId === from) return;
  throw new FaultError(
    'precondition',
    `Cannot tag pool "${pool}": its transaction id is ${transactionId}, not ${from}`,
  );
}
