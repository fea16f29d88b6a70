// Mounts: the same mounts that Prepare or View answered, also after a restart.

import type { Context } from '../snapshots/context.ts';
import { mounts } from '../snapshots/read.ts';
import { toMounts } from './info.ts';
import type { Rpcs } from './service.ts';

export function mountsRpc(context: Context): Rpcs['Mounts'] {
  return async ({ key }) => ({ mounts: toMounts(await mounts(context, key)) });
}
