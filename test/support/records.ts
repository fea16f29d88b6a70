// Records for tests: whole ones, with only what a test cares about spelled out; and any at all, for properties.

import fc from 'fast-check';
import {
  type ActiveSnapshot,
  type CommittedSnapshot,
  DEVICE_STATES,
  type Device,
  type Snapshot,
  type ViewSnapshot,
} from '../../src/main/catalog/records.ts';
import type { Change } from '../../src/main/catalog/tables.ts';
import { FS_TYPES } from '../../src/shared/tasks.ts';
import { GIB, parseBytes, parseDeviceId, parseThinId, THIN_ID_MAX } from '../../src/shared/units.ts';

const TIME = { seconds: 1_700_000_000n, nanos: 5 };

/** A device on thin id `id`, at rest. */
export function deviceOf(id: number, given: Partial<Device> = {}): Device {
  return {
    id: parseDeviceId(id),
    place: { kind: 'thin', thinId: parseThinId(id) },
    purpose: { kind: 'snapshot' },
    originId: null,
    fsType: 'ext4',
    sizeBytes: parseBytes(GIB),
    baselineBytes: parseBytes(0),
    mappedBytes: parseBytes(0),
    state: 'Deactivated',
    ...given,
  };
}

/** A committed snapshot without a parent. */
export function snapshotOf(key: string, deviceId: number, given: Partial<CommittedSnapshot> = {}): CommittedSnapshot {
  return {
    kind: 'committed',
    key,
    parent: '',
    deviceId: parseDeviceId(deviceId),
    labels: new Map(),
    createdAt: TIME,
    updatedAt: TIME,
    usageBytes: parseBytes(0),
    ...given,
  };
}

/** An active snapshot without a parent. */
export function activeOf(key: string, deviceId: number): ActiveSnapshot {
  const { parent, labels, createdAt, updatedAt, ...committed } = snapshotOf(key, deviceId);
  return { kind: 'active', key, parent, deviceId: committed.deviceId, labels, createdAt, updatedAt, idMap: null };
}

/** A view of `parent`, whose device it uses. */
export function viewOf(key: string, deviceId: number, parent: string): ViewSnapshot {
  const { labels, createdAt, updatedAt, ...committed } = snapshotOf(key, deviceId);
  return { kind: 'view', key, parent, deviceId: committed.deviceId, labels, createdAt, updatedAt, idMap: null };
}

/** A snapshot and its device, as one write has them. */
export function pairOf(key: string, id: number): Change[] {
  return [
    { kind: 'put-device', device: deviceOf(id) },
    { kind: 'put-snapshot', snapshot: snapshotOf(key, id) },
  ];
}

/** Text as clients may send it: NUL, emoji, names that objects treat in their own way; no half of a surrogate pair. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('__proto__', 'constructor', 'toString', 'a\0b', '\0', '😀', '/', 'head', 's/'),
);
/** With the prototype that parsed records have: equality looks at it. */
function plainRecord<T>(fields: { [Field in keyof T]: fc.Arbitrary<T[Field]> }): fc.Arbitrary<T> {
  return fc.record(fields, { noNullPrototype: true });
}

const anyBytes = fc.nat({ max: Number.MAX_SAFE_INTEGER }).map(parseBytes);
const anyDeviceId = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }).map(parseDeviceId);
const anyTime = plainRecord({
  seconds: fc.bigInt({ min: -(2n ** 53n) + 1n, max: 2n ** 53n - 1n }),
  nanos: fc.nat({ max: 999_999_999 }),
});
const fields = {
  key: anyText,
  parent: anyText,
  deviceId: anyDeviceId,
  labels: fc.array(fc.tuple(anyText, anyText)).map((pairs): ReadonlyMap<string, string> => new Map(pairs)),
  createdAt: anyTime,
  updatedAt: anyTime,
};
const anyIdMap = fc.option(plainRecord({ uids: anyText, gids: anyText }));

export const anySnapshot: fc.Arbitrary<Snapshot> = fc.oneof(
  plainRecord<ActiveSnapshot>({ kind: fc.constant('active'), ...fields, idMap: anyIdMap }),
  plainRecord<ViewSnapshot>({ kind: fc.constant('view'), ...fields, idMap: anyIdMap }),
  plainRecord<CommittedSnapshot>({ kind: fc.constant('committed'), ...fields, usageBytes: anyBytes }),
);

export const anyDevice: fc.Arbitrary<Device> = plainRecord<Device>({
  id: anyDeviceId,
  place: fc.oneof(
    plainRecord({ kind: fc.constant('thin' as const), thinId: fc.nat({ max: THIN_ID_MAX }).map(parseThinId) }),
    plainRecord({ kind: fc.constant('file' as const) }),
  ),
  purpose: fc.oneof(
    plainRecord({ kind: fc.constant('snapshot' as const) }),
    plainRecord({ kind: fc.constant('standby' as const) }),
    plainRecord({ kind: fc.constant('base' as const), fsOptions: fc.array(anyText) }),
  ),
  originId: fc.option(anyDeviceId),
  fsType: fc.constantFrom(...FS_TYPES),
  sizeBytes: anyBytes,
  baselineBytes: anyBytes,
  mappedBytes: anyBytes,
  state: fc.constantFrom(...DEVICE_STATES),
});
