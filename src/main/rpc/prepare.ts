// Prepare: a new writable snapshot, of a committed parent or of nothing.

import type { Context } from '../snapshots/context.ts';
import type { FileSystemSpec } from '../snapshots/devices.ts';
import { prepare } from '../snapshots/prepare.ts';
import { toLabels, toMounts } from './info.ts';
import type { Rpcs } from './service.ts';

export function prepareRpc(context: Context, fs: FileSystemSpec): Rpcs['Prepare'] {
  return async ({ key, parent, labels }) => ({
    mounts: toMounts(await prepare(context, fs, { key, parent, labels: toLabels(labels) })),
  });
}
