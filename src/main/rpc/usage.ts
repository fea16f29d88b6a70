// Usage: the bytes that a snapshot added over its parent. Inodes are not counted, as in containerd's own devmapper:
// they are the file system's, and it is not mounted here.

import type { Context } from '../snapshots/context.ts';
import { usage } from '../snapshots/read.ts';
import type { Rpcs } from './service.ts';

export function usageRpc(context: Context): Rpcs['Usage'] {
  return async ({ key }) => ({ size: BigInt(await usage(context, key)), inodes: 0n });
}
