// Cleanup: containerd calls it after its garbage collection, without its lock: the time to wait for deletions.

import type { Context } from '../snapshots/context.ts';
import { cleanup } from '../snapshots/remove.ts';
import type { Rpcs } from './service.ts';

export function cleanupRpc(context: Context): Rpcs['Cleanup'] {
  return async () => {
    await cleanup(context);
    return {};
  };
}
