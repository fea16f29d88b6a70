// Commit: an active snapshot becomes a committed one under a new name.

import { commit } from '../snapshots/commit.ts';
import type { Context } from '../snapshots/context.ts';
import { toLabels } from './info.ts';
import type { Rpcs } from './service.ts';

export function commitRpc(context: Context): Rpcs['Commit'] {
  return async ({ name, key, labels, parent }) => {
    await commit(context, { name, key, labels: toLabels(labels), parent });
    return {};
  };
}
