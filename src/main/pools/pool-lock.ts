// The claim on a pool: a daemon has it for as long as it runs, a command while it changes what is no daemon's.

import { join } from 'node:path';
import { type Lock, takeLock } from '../lock.ts';

/** Not under root_path, since two daemons with one pool would have two of those. */
const LOCK_DIRECTORY = '/run/thinsnap/locks';

/** Runs `action` while no daemon and no other command has the pool. Fault `unavailable` when one has. */
export async function withPoolLock<Value>(name: string, action: () => Promise<Value>): Promise<Value> {
  const lock = await lockPool(name);
  try {
    return await action();
  } finally {
    await lock.release();
  }
}

/** Fault `unavailable`, with the holder's process id, when somebody has it. */
export function lockPool(name: string): Promise<Lock> {
  return takeLock(join(LOCK_DIRECTORY, name), `pool ${name}`);
}
