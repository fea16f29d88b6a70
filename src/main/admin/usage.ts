// Usage: what snapshots take of storage, told by what storage holds at one moment, and what removing each would free. Records
// are those of the moment when the call came; a device that went meanwhile is not known.

import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Device, Snapshot } from '../catalog/records.ts';
import type { Tables } from '../catalog/tables.ts';
import type * as pb from '../rpc/gen/thinsnap/admin/v1/admin_pb.ts';
import type { Footprint, Measures } from '../volumes/stockroom.ts';
import type { AdminContext } from './admin-context.ts';
import { KINDS } from './messages.ts';
import type { AdminRpcs } from './service.ts';

/** In a message; a key is at most some KiB. */
const MESSAGE_SNAPSHOTS_MAX = 1000;

export function usageRpc({ catalog, volumes }: AdminContext): AdminRpcs['usage'] {
  const { tables } = catalog;
  return async function* ({ keys }, signal) {
    const wanted = keys.length === 0 ? [...tables.snapshots.values()] : keys.map((key) => tables.snapshot(key));
    const records = { wanted, all: [...tables.snapshots.values()], devices: new Map(tables.devices) };
    const children = new Map(wanted.map(({ key }) => [key, tables.childrenOf(key)]));
    const measures = await volumes.stockroom.measure(records.devices.values());
    const standby = standbyOf(records.devices.values());
    for (let begin = 0; begin < wanted.length && !signal.aborted; begin += MESSAGE_SNAPSHOTS_MAX) {
      const chunk = wanted.slice(begin, begin + MESSAGE_SNAPSHOTS_MAX);
      yield {
        snapshots: chunk.map((snapshot) =>
          toEntry(snapshot, {
            device: records.devices.get(snapshot.deviceId),
            children: children.get(snapshot.key) ?? 0,
            standby: standby.get(snapshot.deviceId) ?? [],
            measures,
          }),
        ),
      };
    }
    yield { totals: toTotals(records, measures) };
  };
}

interface Facts {
  readonly device: Device | undefined;
  readonly children: number;
  readonly standby: readonly Device[];
  readonly measures: Measures;
}

function toEntry(snapshot: Snapshot, facts: Facts): MessageInitShape<typeof pb.SnapshotUsageSchema> {
  const { key: name, parent, kind } = snapshot;
  const named = { name, parent, kind: KINDS[kind], children: BigInt(facts.children) };
  // It uses its parent's device.
  if (kind === 'view') return { ...named, referencedBytes: 0n, exclusiveBytes: 0n, freesBytes: 0n };
  const { device, standby, measures } = facts;
  const footprint = measures.footprints.get(snapshot.deviceId);
  const freed = facts.children > 0 ? null : exclusiveSum([snapshot.deviceId, ...standby.map(({ id }) => id)], measures);
  return {
    ...named,
    provisionedBytes: BigInt(device?.sizeBytes ?? 0),
    ...(footprint === undefined ? {} : { referencedBytes: BigInt(footprint.mappedBytes) }),
    ...(footprint?.exclusiveBytes == null ? {} : { exclusiveBytes: BigInt(footprint.exclusiveBytes) }),
    ...(freed === null ? {} : { freesBytes: BigInt(freed) }),
    standby: BigInt(standby.length),
  };
}

/** Null where one of them is not known. */
function exclusiveSum(ids: readonly Device['id'][], { footprints }: Measures): number | null {
  return sumOf(ids.map((id) => footprints.get(id)?.exclusiveBytes ?? null));
}

function sumOf(values: readonly (number | null)[]): number | null {
  return values.reduce((sum, value) => (sum === null || value === null ? null : sum + value), 0);
}

/** Those that stand ready, by what they were made of. */
function standbyOf(devices: Iterable<Device>): ReadonlyMap<Device['id'], readonly Device[]> {
  const found = new Map<Device['id'], Device[]>();
  for (const device of devices) {
    if (groupOf(device) !== 'standby' || device.originId === null) continue;
    const others = found.get(device.originId);
    if (others === undefined) found.set(device.originId, [device]);
    else others.push(device);
  }
  return found;
}

type Group = 'snapshots' | 'standby' | 'bases' | 'passing';

function groupOf({ state, purpose }: Device): Group {
  if (state === 'Creating' || state === 'Removing') return 'passing';
  switch (purpose.kind) {
    case 'snapshot':
      return 'snapshots';
    case 'standby':
      return 'standby';
    case 'base':
      return 'bases';
  }
}

interface Records {
  readonly all: readonly Snapshot[];
  readonly devices: Tables['devices'];
}

function toTotals({ all, devices }: Records, measures: Measures): MessageInitShape<typeof pb.UsageTotalsSchema> {
  const groups: Record<Group, Device[]> = { snapshots: [], standby: [], bases: [], passing: [] };
  for (const device of devices.values()) groups[groupOf(device)].push(device);
  const { footprints, others, usedBytes, omitted } = measures;
  const group = (members: readonly Device[]): MessageInitShape<typeof pb.UsageGroupSchema> => ({
    ...toGroup(members.map(({ id }) => footprints.get(id))),
    provisionedBytes: BigInt(members.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)),
  });
  const exclusive = sumOf([...footprints.values(), ...others].map(({ exclusiveBytes }) => exclusiveBytes));
  const shared = usedBytes === null || exclusive === null ? null : Math.max(0, usedBytes - exclusive);
  return {
    snapshots: group(groups.snapshots),
    views: { count: BigInt(all.filter(({ kind }) => kind === 'view').length), referencedBytes: 0n, exclusiveBytes: 0n },
    standby: group(groups.standby),
    bases: group(groups.bases),
    passing: group(groups.passing),
    others: toGroup(others),
    ...(usedBytes === null ? {} : { usedBytes: BigInt(usedBytes) }),
    ...(shared === null ? {} : { sharedBytes: BigInt(shared) }),
    omitted,
  };
}

function toGroup(members: readonly (Footprint | undefined)[]): MessageInitShape<typeof pb.UsageGroupSchema> {
  const referenced = sumOf(members.map((member) => member?.mappedBytes ?? null));
  const exclusive = sumOf(members.map((member) => member?.exclusiveBytes ?? null));
  return {
    count: BigInt(members.length),
    ...(referenced === null ? {} : { referencedBytes: BigInt(referenced) }),
    ...(exclusive === null ? {} : { exclusiveBytes: BigInt(exclusive) }),
  };
}
