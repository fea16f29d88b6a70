// List: everything that matches, in messages bounded by size: by count alone, large labels would pass gRPC's 16 MiB.

import type { Snapshot } from '../catalog/records.ts';
import type { Context } from '../snapshots/context.ts';
import { list } from '../snapshots/read.ts';
import { encodeInfos, infoFieldBytes } from './encode-info.ts';
import type { ListRpc } from './service.ts';

/**
 * A message has no more, unless one snapshot has: then it is alone in its own, bounded by what one request can hold. A
 * client that stops reading holds one or two of them in memory.
 */
export const MESSAGE_BYTES = 64 * 1024;

export function listRpc(context: Context): ListRpc {
  return ({ filters }) => chunks(list(context, filters));
}

function* chunks(snapshots: readonly Snapshot[]): Generator<Buffer> {
  let chunk: Snapshot[] = [];
  let bytes = 0;
  for (const snapshot of snapshots) {
    const size = infoFieldBytes(snapshot);
    if (chunk.length > 0 && bytes + size > MESSAGE_BYTES) {
      yield encodeInfos(chunk);
      chunk = [];
      bytes = 0;
    }
    chunk.push(snapshot);
    bytes += size;
  }
  if (chunk.length > 0) yield encodeInfos(chunk);
}
