// Remove: forgets a snapshot. What it held goes afterwards; with `async_remove = false` the answer waits for the first try.

import type { Context } from '../snapshots/context.ts';
import { type RemoveOptions, remove } from '../snapshots/remove.ts';
import type { Rpcs } from './service.ts';

export function removeRpc(context: Context, options: RemoveOptions): Rpcs['Remove'] {
  return async ({ key }) => {
    await remove(context, key, options);
    return {};
  };
}
