// List: everything that matches, in messages bounded by size: by count alone, large labels would pass gRPC's 16 MiB.

import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Snapshot } from '../catalog/records.ts';
import type { Context } from '../snapshots/context.ts';
import { list } from '../snapshots/read.ts';
import type { InfoSchema } from './gen/containerd/services/snapshots/v1/snapshots_pb.ts';
import { toInfo } from './info.ts';
import type { ListRpc } from './service.ts';

/** A message is sent once it has this much. One snapshot's labels may take it past that, by what one request can hold. */
export const MESSAGE_BYTES = 512 * 1024;
/** What an entry takes beside its texts: tags, lengths, kind, two timestamps. Rather too much than too little. */
const ENTRY_BYTES = 96;
const LABEL_BYTES = 16;

export function listRpc(context: Context): ListRpc {
  return ({ filters }) => chunks(list(context, filters));
}

function* chunks(snapshots: readonly Snapshot[]): Generator<{ info: MessageInitShape<typeof InfoSchema>[] }> {
  let info: MessageInitShape<typeof InfoSchema>[] = [];
  let bytes = 0;
  for (const snapshot of snapshots) {
    const size = sizeOf(snapshot);
    if (info.length > 0 && bytes + size > MESSAGE_BYTES) {
      yield { info };
      info = [];
      bytes = 0;
    }
    info.push(toInfo(snapshot));
    bytes += size;
  }
  if (info.length > 0) yield { info };
}

/** No less than the entry takes on the wire. */
function sizeOf({ key, parent, labels }: Snapshot): number {
  let bytes = ENTRY_BYTES + Buffer.byteLength(key) + Buffer.byteLength(parent);
  for (const [name, value] of labels) bytes += LABEL_BYTES + Buffer.byteLength(name) + Buffer.byteLength(value);
  return bytes;
}
