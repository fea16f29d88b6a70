// Snapshots as containerd's messages, and labels as maps. A Date would lose the nanoseconds, so timestamps stay as they are.

import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Labels, Snapshot } from '../catalog/records.ts';
import { share } from '../catalog/shared-texts.ts';
import type { Mount } from '../volumes/volumes.ts';
import { KINDS } from './encode-info.ts';
import type { InfoSchema } from './gen/containerd/services/snapshots/v1/snapshots_pb.ts';
import type { MountSchema } from './gen/containerd/types/mount_pb.ts';

export function toInfo(snapshot: Snapshot): MessageInitShape<typeof InfoSchema> {
  return {
    name: snapshot.key,
    parent: snapshot.parent,
    kind: KINDS[snapshot.kind],
    createdAt: snapshot.createdAt,
    updatedAt: snapshot.updatedAt,
    labels: toRecord(snapshot.labels),
  };
}

export function toMounts(mounts: readonly Mount[]): MessageInitShape<typeof MountSchema>[] {
  return mounts.map(({ type, source, options }) => ({ type, source, options: [...options] }));
}

export function toLabels(labels: Readonly<Record<string, string>> | undefined): Labels {
  return new Map(Object.entries(labels ?? {}).map(([name, value]) => [share(name), value]));
}

/** `fromEntries` defines properties, so that a label named `__proto__` is a label like any other. */
function toRecord(labels: Labels): Record<string, string> {
  return Object.fromEntries(labels);
}
