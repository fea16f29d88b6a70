// List: everything that matches, in messages bounded by size. What is listed is what there was when the call came; a
// usage that had to be asked for is of the moment when it was.

import type { MessageInitShape } from '@bufbuild/protobuf';
import { isFault } from '../../shared/faults.ts';
import type { Snapshot } from '../catalog/records.ts';
import type { ListResponseSchema, SnapshotSchema } from '../rpc/gen/thinsnap/admin/v1/admin_pb.ts';
import { list, usage } from '../snapshots/read.ts';
import type { AdminContext } from './admin-context.ts';
import { knownUsage, toSnapshot } from './messages.ts';
import type { AdminRpcs } from './service.ts';

/** A message is sent once it has this much; one snapshot with its labels may take it past that. */
const MESSAGE_BYTES = 512 * 1024;
/** Snapshots in a message, whose usage is asked for at the same time. */
const MESSAGE_SNAPSHOTS_MAX = 1000;
/** With usage: a question to the kernel takes milliseconds, and whoever waits for a list wants to see it grow. */
const USAGES_AT_ONCE = 32;
/** What an entry takes beside its texts: tags, lengths, numbers. Rather too much than too little. */
const ENTRY_BYTES = 128;
const LABEL_BYTES = 16;

export function listRpc(context: AdminContext): AdminRpcs['list'] {
  return async function* ({ filters, withLabels, withUsage }, signal) {
    const found = list(context, filters);
    const countMax = withUsage ? USAGES_AT_ONCE : MESSAGE_SNAPSHOTS_MAX;
    for (const chunk of chunksOf(found, { withLabels, countMax })) {
      if (signal.aborted) return;
      const snapshots = await Promise.all(
        chunk.map(async (snapshot) => {
          const usageBytes = withUsage ? await askUsage(context, snapshot) : knownUsage(snapshot);
          return usageBytes === 'gone' ? null : toEntry(context, snapshot, { withLabels, usageBytes });
        }),
      );
      const message: MessageInitShape<typeof ListResponseSchema> = { snapshots: snapshots.filter(isThere) };
      yield message;
    }
  };
}

/** In bytes; null where the kernel would not tell. */
export async function askUsage(context: AdminContext, snapshot: Snapshot): Promise<number | null | 'gone'> {
  const known = knownUsage(snapshot);
  if (known !== null) return known;
  try {
    return await usage(context, snapshot.key);
  } catch (error) {
    if (isFault(error, 'not-found')) return 'gone';
    // One device that fails must not hide all the others; its own inspection tells why.
    if (isFault(error, 'bug')) throw error;
    return null;
  }
}

type Entry = MessageInitShape<typeof SnapshotSchema>;

/** Null: its device went while the list was on its way. */
function toEntry(context: AdminContext, snapshot: Snapshot, parts: Parameters<typeof toSnapshot>[2]): Entry | null {
  const { tables } = context.catalog;
  return tables.devices.has(snapshot.deviceId) ? toSnapshot(tables, snapshot, parts) : null;
}

function isThere(entry: Entry | null): entry is Entry {
  return entry !== null;
}

interface Bounds {
  readonly withLabels: boolean;
  readonly countMax: number;
}

function* chunksOf(snapshots: readonly Snapshot[], { withLabels, countMax }: Bounds): Generator<Snapshot[]> {
  let chunk: Snapshot[] = [];
  let bytes = 0;
  for (const snapshot of snapshots) {
    const size = sizeOf(snapshot, withLabels);
    if (chunk.length > 0 && (bytes + size > MESSAGE_BYTES || chunk.length >= countMax)) {
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    chunk.push(snapshot);
    bytes += size;
  }
  if (chunk.length > 0) yield chunk;
}

function sizeOf({ key, parent, labels }: Snapshot, withLabels: boolean): number {
  let bytes = ENTRY_BYTES + Buffer.byteLength(key) + Buffer.byteLength(parent);
  if (!withLabels) return bytes;
  for (const [name, value] of labels) bytes += LABEL_BYTES + Buffer.byteLength(name) + Buffer.byteLength(value);
  return bytes;
}
