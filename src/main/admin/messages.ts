// Records as the admin service's messages: snapshots, devices, problems.

import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Device, Snapshot } from '../catalog/records.ts';
import type { Tables } from '../catalog/tables.ts';
import * as pb from '../rpc/gen/thinsnap/admin/v1/admin_pb.ts';
import type { Activity } from '../volumes/volumes.ts';
import type { Problem } from './health.ts';

export const KINDS: Record<Snapshot['kind'], pb.Kind> = {
  view: pb.Kind.VIEW,
  active: pb.Kind.ACTIVE,
  committed: pb.Kind.COMMITTED,
};

export const HEALTH: Record<Problem['severity'], pb.Health> = {
  warning: pb.Health.WARNING,
  error: pb.Health.ERROR,
};

const ACTIVITIES: Record<Activity, pb.Activity> = {
  none: pb.Activity.NONE,
  ro: pb.Activity.READ_ONLY,
  rw: pb.Activity.READ_WRITE,
  unsure: pb.Activity.UNSPECIFIED,
  unknown: pb.Activity.UNSPECIFIED,
};

export interface SnapshotParts {
  readonly withLabels: boolean;
  /** What it added over its parent; null where that is not known. */
  readonly usageBytes: number | null;
}

export function toSnapshot(
  tables: Tables,
  snapshot: Snapshot,
  { withLabels, usageBytes }: SnapshotParts,
): MessageInitShape<typeof pb.SnapshotSchema> {
  const device = tables.device(snapshot.deviceId);
  return {
    name: snapshot.key,
    parent: snapshot.parent,
    kind: KINDS[snapshot.kind],
    createdAt: snapshot.createdAt,
    updatedAt: snapshot.updatedAt,
    ...(usageBytes === null ? {} : { usageBytes: BigInt(usageBytes) }),
    sizeBytes: BigInt(device.sizeBytes),
    fsType: device.fsType,
    children: BigInt(tables.childrenOf(snapshot.key)),
    deviceId: BigInt(device.id),
    labels: withLabels ? Object.fromEntries(snapshot.labels) : {},
  };
}

/** Without a question to the kernel; null for an active one, whose usage only that knows. */
export function knownUsage(snapshot: Snapshot): number | null {
  switch (snapshot.kind) {
    case 'view':
      return 0;
    case 'committed':
      return snapshot.usageBytes;
    case 'active':
      return null;
  }
}

export function toDevice(device: Device, activity: Activity): MessageInitShape<typeof pb.DeviceSchema> {
  return {
    id: BigInt(device.id),
    ...(device.place.kind === 'thin' ? { thinId: device.place.thinId } : {}),
    ...(device.originId === null ? {} : { originId: BigInt(device.originId) }),
    state: device.state,
    activity: ACTIVITIES[activity],
    fsType: device.fsType,
    sizeBytes: BigInt(device.sizeBytes),
    baselineBytes: BigInt(device.baselineBytes),
    mappedBytes: BigInt(device.mappedBytes),
  };
}

export function toProblem({ code, severity, found, advice }: Problem): MessageInitShape<typeof pb.ProblemSchema> {
  return { code, severity: HEALTH[severity], found, advice };
}
