// The JSON of `thinsnap`: docs/cli.md has its fields. Within a version they are only added; sizes are bytes, times are
// RFC 3339 in UTC, null stands for what is not known or not there.

import type * as pb from '../../rpc/gen/thinsnap/admin/v1/admin_pb.ts';
import { toMs, toRfc3339 } from '../show/format.ts';
import { sharedOf } from '../show/usage-lines.ts';
import { activityWord, healthWord, kindWord, modeWord } from './words.ts';

export function statusJson(status: pb.StatusResponse, nowMs: number): unknown {
  const { snapshots, standby, reaper } = status;
  return {
    health: healthWord(status.health),
    problems: status.problems.map(problemJson),
    daemon: daemonJson(status.daemon, nowMs),
    volumes: volumesJson(status.volumes),
    new_snapshots: newSnapshotsJson(status.newSnapshots),
    space: {
      data: spaceJson(status.data),
      metadata: spaceJson(status.metadata),
      min_free_space: status.minFreeSpace,
    },
    snapshots: {
      committed: number(snapshots?.committed),
      active: number(snapshots?.active),
      views: number(snapshots?.views),
    },
    devices: devicesJson(status.devices),
    standby: {
      ready: number(standby?.ready),
      wanted: number(standby?.wanted),
      parent_limit: number(standby?.parentLimit),
      total_limit: number(standby?.totalLimit),
      hits: number(standby?.hits),
      misses: number(standby?.misses),
    },
    reaper: { queue: number(reaper?.queue) },
  };
}

export function snapshotJson(snapshot: pb.Snapshot): Record<string, unknown> {
  return {
    name: snapshot.name,
    parent: snapshot.parent === '' ? null : snapshot.parent,
    kind: kindWord(snapshot.kind),
    created_at: toRfc3339(snapshot.createdAt),
    updated_at: toRfc3339(snapshot.updatedAt),
    usage_bytes: number(snapshot.usageBytes),
    size_bytes: number(snapshot.sizeBytes),
    fs_type: snapshot.fsType,
    children: number(snapshot.children),
    device_id: number(snapshot.deviceId),
    labels: snapshot.labels,
  };
}

export function inspectJson({ snapshot, device, ancestors, children, mount }: pb.InspectResponse): unknown {
  return {
    ...(snapshot === undefined ? {} : snapshotJson(snapshot)),
    ancestors,
    // A name apart from the count that `ls` has under `children`.
    child_names: children,
    mount: mount === undefined ? null : { type: mount.type, source: mount.source, options: mount.options },
    device:
      device === undefined
        ? null
        : {
            id: number(device.id),
            thin_id: device.thinId ?? null,
            origin_id: number(device.originId),
            state: device.state,
            activity: activityWord(device.activity),
            fs_type: device.fsType,
            size_bytes: number(device.sizeBytes),
            baseline_bytes: number(device.baselineBytes),
            mapped_bytes: number(device.mappedBytes),
          },
  };
}

export function usageJson(snapshots: readonly pb.SnapshotUsage[], totals: pb.UsageTotals): unknown {
  return {
    snapshots: snapshots.map((snapshot) => ({
      name: snapshot.name,
      parent: snapshot.parent === '' ? null : snapshot.parent,
      kind: kindWord(snapshot.kind),
      children: number(snapshot.children),
      provisioned_bytes: number(snapshot.provisionedBytes),
      referenced_bytes: number(snapshot.referencedBytes),
      exclusive_bytes: number(snapshot.exclusiveBytes),
      shared_bytes: number(sharedOf(snapshot)),
      frees_bytes: number(snapshot.freesBytes),
      standby: number(snapshot.standby),
    })),
    totals: {
      snapshots: groupJson(totals.snapshots),
      views: groupJson(totals.views),
      standby: groupJson(totals.standby),
      bases: groupJson(totals.bases),
      passing: groupJson(totals.passing),
      others: groupJson(totals.others),
      used_bytes: number(totals.usedBytes),
      shared_bytes: number(totals.sharedBytes),
    },
    omitted: totals.omitted,
  };
}

function groupJson(group: pb.UsageGroup | undefined): unknown {
  return {
    count: number(group?.count),
    provisioned_bytes: number(group?.provisionedBytes),
    referenced_bytes: number(group?.referencedBytes),
    exclusive_bytes: number(group?.exclusiveBytes),
  };
}

export function problemJson({ code, severity, found, advice }: pb.Problem): Record<string, unknown> {
  return { code, severity: healthWord(severity), found, advice };
}

function daemonJson(daemon: pb.Daemon | undefined, nowMs: number): unknown {
  const { startedAt } = daemon ?? {};
  return {
    version: daemon?.version ?? null,
    pid: daemon?.pid ?? null,
    started_at: toRfc3339(startedAt),
    uptime_seconds: startedAt === undefined ? null : Math.max(0, Math.floor((nowMs - toMs(startedAt)) / 1000)),
    root_path: daemon?.rootPath ?? null,
    address: daemon?.address ?? null,
    admin_address: daemon?.adminAddress ?? null,
    node_version: daemon?.nodeVersion ?? null,
    memory_bytes: number(daemon?.memoryBytes),
  };
}

function volumesJson(volumes: pb.Volumes | undefined): unknown {
  const { case: kind, value } = volumes?.kind ?? { case: undefined, value: undefined };
  const description = volumes?.description ?? null;
  if (kind === 'blockfile') return { kind: 'blockfile', description, directory: value.directory };
  if (kind === undefined) return { kind: 'unknown', description };
  return {
    kind: 'thin-pool',
    description,
    pool: {
      name: value.name,
      block_bytes: number(value.blockBytes),
      mode: modeWord(value.mode),
      needs_check: value.needsCheck,
      transaction_id: number(value.transactionId),
      engine: value.engine,
      driver_version: value.driverVersion,
      extension: extensionJson(value.extension),
    },
  };
}

function extensionJson(extension: pb.Extension | undefined): unknown {
  if (extension === undefined) return null;
  const { madeOf, parts, thresholdPercent, percent, times, lastFailure } = extension;
  return {
    made_of: madeOf === '' ? null : madeOf,
    parts,
    threshold_percent: thresholdPercent ?? null,
    percent: percent ?? null,
    times: number(times),
    last_failure: lastFailure === '' ? null : lastFailure,
  };
}

function newSnapshotsJson(made: pb.NewSnapshots | undefined): unknown {
  return {
    size_bytes: number(made?.sizeBytes),
    fs_type: made?.fsType ?? null,
    fs_options: made?.fsOptions ?? [],
    mount_options: made?.mountOptions ?? [],
    async_remove: made?.asyncRemove ?? null,
    discard_blocks: made?.discardBlocks ?? null,
  };
}

function spaceJson(space: pb.Space | undefined): unknown {
  if (space === undefined) return null;
  return {
    used_bytes: number(space.usedBytes),
    total_bytes: number(space.totalBytes),
    available_bytes: number(space.availableBytes),
    reserve_bytes: number(space.reserveBytes),
  };
}

function devicesJson(devices: pb.DeviceCounts | undefined): unknown {
  const states = (devices?.states ?? []).map(({ state, count }) => [state, number(count)] as const);
  return { total: number(devices?.total), bases: number(devices?.bases), states: Object.fromEntries(states) };
}

/** Nothing here reaches 2^53. */
function number(value: bigint | undefined): number | null {
  return value === undefined ? null : Number(value);
}
