// Records to and from the JSON that LevelDB holds. Everything is checked on the way back in: a record that is not
// whole is damage, and damage is refused rather than guessed at.

import * as v from 'valibot';
import { FaultError } from '../../shared/faults.ts';
import { FS_TYPES } from '../../shared/tasks.ts';
import { parseBytes, parseDeviceId, parseThinId } from '../../shared/units.ts';
import type { Timestamp } from '../snapshots/clock.ts';
import { readFields, readInteger, readList, readNumber, readOneOf, readPair, readText } from './fields.ts';
import {
  DEVICE_STATES,
  type Device,
  type IdMap,
  type Labels,
  type Place,
  type Purpose,
  type Snapshot,
} from './records.ts';
import { share } from './shared-texts.ts';

/** Raised when an older daemon could no longer read what a newer one writes. 1 was without checksums, and never released. */
export const CATALOG_FORMAT = 2;

const NANOS_MAX = 999_999_999;

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const thinId = v.pipe(v.number(), v.transform(parseThinId));

/** Written in every batch: what there must be, so that a lost or skipped piece of the log is noticed at open. */
const headSchema = v.strictObject({
  format: v.literal(CATALOG_FORMAT),
  catalogId: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)),
  sequence: count,
  snapshots: count,
  devices: count,
  /** Of all records' checksums, modulo 2^32. */
  sum: count,
  lastDeviceId: count,
  /** The newest device's; ids are given out in turn, so that one means the same device for as long as possible. */
  lastThinId: count,
  /** It was brought back and may be older than what it speaks of: what it does not know may be somebody's. */
  restored: v.boolean(),
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
    /** Starts that raised the tag. The first catalogs did not count them. */
    starts: v.optional(count, 0),
    dataBlockSectors: count,
    /** Ids that were in the pool before us: never used, never deleted. */
    foreignThinIds: v.array(thinId),
  }),
  v.strictObject({ kind: v.literal('blockfile') }),
]);
export type VolumesIdentity = v.InferOutput<typeof identitySchema>;

export const parseSnapshot = parser('snapshot', readSnapshot);
export const parseDevice = parser('device', readDevice);
export const parseHead = parser('head', (value) => {
  checkFormat(value);
  return v.parse(headSchema, value);
});
export const parseIdentity = parser('identity', (value) => v.parse(identitySchema, value));

/** Fault `unsupported` when something says that it is of another format: what one does not understand one must not change. */
export function checkFormat(value: unknown): void {
  const found = typeof value === 'object' && value !== null && 'format' in value ? value.format : 1;
  if (found === CATALOG_FORMAT) return;
  const versions = `it is in format ${JSON.stringify(found)}, and this version of thinsnap reads format ${CATALOG_FORMAT}`;
  throw new FaultError(
    'unsupported',
    `Cannot use the catalog: ${versions}. Start the version that wrote it; nothing was changed`,
  );
}

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

const COMMON_FIELDS = ['kind', 'key', 'parent', 'deviceId', 'labels', 'createdAt', 'updatedAt'];
const SNAPSHOT_FIELDS = {
  active: [...COMMON_FIELDS, 'idMap'],
  view: [...COMMON_FIELDS, 'idMap'],
  committed: [...COMMON_FIELDS, 'usageBytes'],
} as const;

function readSnapshot(value: unknown): Snapshot {
  const kind = readKind('the record', value, ['active', 'view', 'committed']);
  const fields = readFields('the record', value, SNAPSHOT_FIELDS[kind]);
  const { key, parent, deviceId, labels, createdAt, updatedAt, idMap, usageBytes } = fields;
  const created = readTimestamp('createdAt', createdAt);
  const updated = readTimestamp('updatedAt', updatedAt);
  const common = {
    key: readText('key', key),
    parent: readText('parent', parent),
    deviceId: parseDeviceId(readNumber('deviceId', deviceId)),
    labels: readLabels(labels),
    createdAt: created,
    // Most are never updated: one stamp for both.
    updatedAt: created.seconds === updated.seconds && created.nanos === updated.nanos ? created : updated,
  };
  if (kind === 'committed') return { kind, ...common, usageBytes: parseBytes(readNumber('usageBytes', usageBytes)) };
  return { kind, ...common, idMap: readIdMap(idMap) };
}

function readLabels(value: unknown): Labels {
  const labels = new Map<string, string>();
  for (const pair of readList('labels', value)) {
    const [name, text] = readPair('a label', pair);
    labels.set(share(readText('a label', name)), readText('a label', text));
  }
  return labels;
}

function readTimestamp(what: string, value: unknown): Timestamp {
  const [first, second] = readPair(what, value);
  const nanos = readInteger(what, second);
  if (nanos < 0 || nanos > NANOS_MAX) throw new RangeError(`${what} has ${nanos} ns`);
  return { seconds: BigInt(readInteger(what, first)), nanos };
}

function readIdMap(value: unknown): IdMap | null {
  if (value === null) return null;
  const { uids, gids } = readFields('idMap', value, ['uids', 'gids']);
  return { uids: readText('uids', uids), gids: readText('gids', gids) };
}

const DEVICE_FIELDS = [
  'id',
  'place',
  'purpose',
  'originId',
  'fsType',
  'sizeBytes',
  'baselineBytes',
  'mappedBytes',
  'state',
] as const satisfies readonly (keyof Device)[];

function readDevice(value: unknown): Device {
  const fields = readFields('the record', value, DEVICE_FIELDS);
  const { id, place, purpose, originId, fsType, sizeBytes, baselineBytes, mappedBytes, state } = fields;
  return {
    id: parseDeviceId(readNumber('id', id)),
    place: readPlace(place),
    purpose: readPurpose(purpose),
    originId: originId === null ? null : parseDeviceId(readNumber('originId', originId)),
    fsType: readOneOf('fsType', fsType, FS_TYPES),
    sizeBytes: parseBytes(readNumber('sizeBytes', sizeBytes)),
    baselineBytes: parseBytes(readNumber('baselineBytes', baselineBytes)),
    mappedBytes: parseBytes(readNumber('mappedBytes', mappedBytes)),
    state: readOneOf('state', state, DEVICE_STATES),
  };
}

// One object for all whose kind says everything.
const FILE: Place = { kind: 'file' };
const FOR_SNAPSHOT: Purpose = { kind: 'snapshot' };
const FOR_STANDBY: Purpose = { kind: 'standby' };

function readPlace(value: unknown): Place {
  switch (readKind('place', value, ['file', 'thin'])) {
    case 'file':
      readFields('place', value, ['kind']);
      return FILE;
    case 'thin': {
      const { thinId } = readFields('place', value, ['kind', 'thinId']);
      return { kind: 'thin', thinId: parseThinId(readNumber('thinId', thinId)) };
    }
  }
}

function readPurpose(value: unknown): Purpose {
  switch (readKind('purpose', value, ['snapshot', 'standby', 'base'])) {
    case 'snapshot':
      readFields('purpose', value, ['kind']);
      return FOR_SNAPSHOT;
    case 'standby':
      readFields('purpose', value, ['kind']);
      return FOR_STANDBY;
    case 'base': {
      const { fsOptions } = readFields('purpose', value, ['kind', 'fsOptions']);
      return { kind: 'base', fsOptions: readList('fsOptions', fsOptions).map((word) => readText('fsOptions', word)) };
    }
  }
}

function readKind<const Kind extends string>(what: string, value: unknown, kinds: readonly Kind[]): Kind {
  const kind = typeof value === 'object' && value !== null && 'kind' in value ? value.kind : undefined;
  return readOneOf(`the kind of ${what}`, kind, kinds);
}

function parser<Value>(what: string, read: (value: unknown) => Value): (text: string) => Value {
  return (text) => {
    try {
      return read(JSON.parse(text));
    } catch (error) {
      if (error instanceof FaultError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw new FaultError('io', `Cannot read a ${what} record of the catalog: ${reason}`, { cause: error });
    }
  };
}
