// Records to and from the JSON that LevelDB holds. Everything is checked on the way back in: a record that is not
// whole is damage, and damage is refused rather than guessed at.

import * as v from 'valibot';
import { FaultError } from '../../shared/faults.ts';
import { FS_TYPES } from '../../shared/tasks.ts';
import { parseBytes, parseDeviceId, parseThinId } from '../../shared/units.ts';
import { DEVICE_STATES, type Device, type Snapshot } from './records.ts';

/** Raised when an older daemon could no longer read what a newer one writes. */
export const CATALOG_FORMAT = 1;

const bytes = v.pipe(v.number(), v.transform(parseBytes));
const deviceId = v.pipe(v.number(), v.transform(parseDeviceId));
const thinId = v.pipe(v.number(), v.transform(parseThinId));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const timestamp = v.pipe(
  v.strictTuple([
    v.pipe(v.number(), v.safeInteger()),
    v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(999_999_999)),
  ]),
  v.transform(([seconds, nanos]) => ({ seconds: BigInt(seconds), nanos })),
);
const labels = v.pipe(
  v.array(v.strictTuple([v.string(), v.string()])),
  v.transform((pairs): ReadonlyMap<string, string> => new Map(pairs)),
);
const idMap = v.nullable(v.strictObject({ uids: v.string(), gids: v.string() }));

const snapshotFields = {
  key: v.string(),
  parent: v.string(),
  deviceId,
  labels,
  createdAt: timestamp,
  updatedAt: timestamp,
};
const snapshotSchema = v.variant('kind', [
  v.strictObject({ kind: v.literal('active'), ...snapshotFields, idMap }),
  v.strictObject({ kind: v.literal('view'), ...snapshotFields, idMap }),
  v.strictObject({ kind: v.literal('committed'), ...snapshotFields, usageBytes: bytes }),
]);

const deviceSchema = v.strictObject({
  id: deviceId,
  place: v.variant('kind', [
    v.strictObject({ kind: v.literal('thin'), thinId }),
    v.strictObject({ kind: v.literal('file') }),
  ]),
  purpose: v.variant('kind', [
    v.strictObject({ kind: v.literal('snapshot') }),
    v.strictObject({ kind: v.literal('standby') }),
    v.strictObject({ kind: v.literal('base'), fsOptions: v.array(v.string()) }),
  ]),
  originId: v.nullable(deviceId),
  fsType: v.picklist(FS_TYPES),
  sizeBytes: bytes,
  baselineBytes: bytes,
  mappedBytes: bytes,
  state: v.picklist(DEVICE_STATES),
});

/** Written in every batch: how much there must be, so that a lost or skipped piece of the log is noticed at open. */
const headSchema = v.strictObject({
  format: v.literal(CATALOG_FORMAT),
  catalogId: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)),
  sequence: count,
  snapshots: count,
  devices: count,
  lastDeviceId: count,
});
export type Head = v.InferOutput<typeof headSchema>;

/** The volumes that this catalog was written for: another pool with the same ids must never be taken for them. */
const identitySchema = v.variant('kind', [
  v.strictObject({
    kind: v.literal('thin-pool'),
    poolName: v.string(),
    /** The dm uuid; LVM's is as good as a tag, since LVM itself keeps the transaction id. */
    poolUuid: v.string(),
    /** The transaction id that marks the pool as this catalog's; null for LVM's pools, which keep their own. */
    tag: v.nullable(count),
    /** Whether the pool bears the tag yet: the intent is written first, so that a crash between is no stranger's pool. */
    tagged: v.boolean(),
    dataBlockSectors: count,
    /** Ids that were in the pool before us: never used, never deleted. */
    foreignThinIds: v.array(thinId),
  }),
  v.strictObject({ kind: v.literal('blockfile') }),
]);
export type VolumesIdentity = v.InferOutput<typeof identitySchema>;

export const parseSnapshot = parser('snapshot', snapshotSchema);
export const parseDevice = parser('device', deviceSchema);
export const parseHead = parser('head', headSchema);
export const parseIdentity = parser('identity', identitySchema);

export function formatSnapshot(snapshot: Snapshot): string {
  return JSON.stringify({
    ...snapshot,
    labels: [...snapshot.labels],
    createdAt: [Number(snapshot.createdAt.seconds), snapshot.createdAt.nanos],
    updatedAt: [Number(snapshot.updatedAt.seconds), snapshot.updatedAt.nanos],
  });
}

export function formatDevice(device: Device): string {
  return JSON.stringify(device);
}

function parser<Schema extends v.GenericSchema>(what: string, schema: Schema): (text: string) => v.InferOutput<Schema> {
  return (text) => {
    try {
      return v.parse(schema, JSON.parse(text));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new FaultError('io', `Cannot read a ${what} record of the catalog: ${reason}`, { cause: error });
    }
  };
}
