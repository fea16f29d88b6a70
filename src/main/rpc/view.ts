// View: a read-only look at a committed parent, or at an empty file system.

import type { Context } from '../snapshots/context.ts';
import type { FileSystemSpec } from '../snapshots/devices.ts';
import { view } from '../snapshots/prepare.ts';
import { toLabels, toMounts } from './info.ts';
import type { Rpcs } from './service.ts';

export function viewRpc(context: Context, fs: FileSystemSpec): Rpcs['View'] {
  return async ({ key, parent, labels }) => ({
    mounts: toMounts(await view(context, fs, { key, parent, labels: toLabels(labels) })),
  });
}
