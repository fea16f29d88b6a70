// Stat: what a snapshot is. Answered from memory.

import type { Context } from '../snapshots/context.ts';
import { stat } from '../snapshots/read.ts';
import { encodeInfos } from './encode-info.ts';
import type { Rpcs } from './service.ts';

export function statRpc(context: Context): Rpcs['Stat'] {
  return async ({ key }) => encodeInfos([stat(context, key)]);
}
