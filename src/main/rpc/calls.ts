// Every call of the service, from its own file.

import type { Door } from '../door.ts';
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
  const { door } = context;
  const unary: Rpcs = {
    Prepare: behind(door, prepareRpc(context, fs)),
    View: behind(door, viewRpc(context, fs)),
    Mounts: behind(door, mountsRpc(context)),
    Commit: behind(door, commitRpc(context)),
    Remove: behind(door, removeRpc(context, removal)),
    Stat: statRpc(context),
    Update: behind(door, updateRpc(context)),
    Usage: behind(door, usageRpc(context)),
    Cleanup: behind(door, cleanupRpc(context)),
  };
  return { unary, list: listRpc(context) };
}

/** What changes something or asks the kernel. Stat and List answer from memory, what is there at that moment. */
function behind<Request, Answer>(
  door: Door,
  rpc: (request: Request) => Promise<Answer>,
): (request: Request) => Promise<Answer> {
  return (request) => door.pass(() => rpc(request));
}
