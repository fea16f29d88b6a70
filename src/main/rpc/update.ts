// Update: labels, whole or one by one; nothing else of a snapshot can be changed.

import type { Context } from '../snapshots/context.ts';
import { update } from '../snapshots/read.ts';
import { toInfo, toLabels } from './info.ts';
import type { Rpcs } from './service.ts';

export function updateRpc(context: Context): Rpcs['Update'] {
  return async ({ info, updateMask }) => {
    const request = { key: info?.name ?? '', labels: toLabels(info?.labels), maskPaths: updateMask?.paths ?? [] };
    return { info: toInfo(await update(context, request)) };
  };
}
