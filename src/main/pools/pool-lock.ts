// The claim on a pool: a daemon has it for as long as it runs, a command while it changes what is no daemon's.

import { join } from 'node:path';
import { type Lock, takeLock } from '../lock.ts';

/** Not under root_path, since two daemons with one pool would have two of those. */
const LOCK_DIRECTORY = '/run/thinsnap/locks';

/** Fault `unavailable`, with the holder's process id, when somebody has it. */
export function lockPool(name: string): Promise<Lock> {
  return takeLock(join(LOCK_DIRECTORY, name), `pool ${name}`);
}
