// Every call of the service, from its own file.

import type { Context } from '../snapshots/context.ts';
import type { FileSystemSpec } from '../snapshots/devices.ts';
import type { RemoveOptions } from '../snapshots/remove.ts';
import { cleanupRpc } from './cleanup.ts';
import { commitRpc } from './commit.ts';
import { listRpc } from './list.ts';
import { mountsRpc } from './mounts.ts';
import { prepareRpc } from './prepare.ts';
import { removeRpc } from './remove.ts';
import type { ListRpc, Rpcs } from './service.ts';
import { statRpc } from './stat.ts';
import { updateRpc } from './update.ts';
import { usageRpc } from './usage.ts';
import { viewRpc } from './view.ts';

export interface CallSettings {
  readonly fs: FileSystemSpec;
  readonly removal: RemoveOptions;
}

export function calls(context: Context, { fs, removal }: CallSettings): { unary: Rpcs; list: ListRpc } {
  const unary: Rpcs = {
    Prepare: prepareRpc(context, fs),
    View: viewRpc(context, fs),
    Mounts: mountsRpc(context),
    Commit: commitRpc(context),
    Remove: removeRpc(context, removal),
    Stat: statRpc(context),
    Update: updateRpc(context),
    Usage: usageRpc(context),
    Cleanup: cleanupRpc(context),
  };
  return { unary, list: listRpc(context) };
}
