// Status: what the daemon is, works on and has, from memory.

import { join } from 'node:path';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { PoolMakeup } from '../../shared/pool-makeup.ts';
import { DEVICE_STATES } from '../catalog/records.ts';
import { SETTINGS } from '../config/settings.ts';
import * as pb from '../rpc/gen/thinsnap/admin/v1/admin_pb.ts';
import { freeOf, reserveOf } from '../upkeep/space-guard.ts';
import type { Usage, VolumesFacts } from '../volumes/volumes.ts';
import type { AdminContext } from './admin-context.ts';
import { findProblems } from './health.ts';
import { HEALTH, toProblem } from './messages.ts';
import type { AdminRpcs } from './service.ts';

const MODES: Record<Extract<VolumesFacts, { kind: 'thin-pool' }>['status']['mode'], pb.PoolMode> = {
  rw: pb.PoolMode.READ_WRITE,
  ro: pb.PoolMode.READ_ONLY,
  out_of_data_space: pb.PoolMode.OUT_OF_DATA_SPACE,
  fail: pb.PoolMode.FAIL,
};

export function statusRpc(context: AdminContext): AdminRpcs['status'] {
  return async () => {
    const problems = findProblems(context);
    const { volumes, config, reaper } = context;
    const { data, metadata } = volumes.space;
    const [worst] = problems;
    return {
      health: worst === undefined ? pb.Health.OK : HEALTH[worst.severity],
      problems: problems.map(toProblem),
      daemon: toDaemon(context),
      volumes: { description: volumes.description, kind: toKind(context) },
      newSnapshots: {
        sizeBytes: BigInt(config.baseImageSize),
        fsType: config.fsType,
        fsOptions: [...config.fsOptions],
        mountOptions: [...config.mountOptions],
        asyncRemove: config.asyncRemove,
        discardBlocks: config.discardBlocks,
      },
      data: toSpace(context, data),
      ...(metadata === null ? {} : { metadata: toSpace(context, metadata) }),
      minFreeSpace: String(SETTINGS.minFreeSpace.write(config.minFreeSpace)),
      snapshots: countSnapshots(context),
      devices: countDevices(context),
      standby: toStandby(context),
      reaper: { queue: BigInt(reaper.size) },
    };
  };
}

function toDaemon({ version, startedAt, config }: AdminContext): MessageInitShape<typeof pb.DaemonSchema> {
  return {
    version,
    pid: process.pid,
    startedAt,
    rootPath: config.rootPath,
    address: config.address,
    adminAddress: config.adminAddress,
    nodeVersion: process.version,
    memoryBytes: BigInt(process.memoryUsage.rss()),
  };
}

function toKind({
  volumes: { facts, growth },
  extender,
}: AdminContext): NonNullable<MessageInitShape<typeof pb.VolumesSchema>['kind']> {
  if (facts.kind === 'blockfile') return { case: 'blockfile', value: { directory: facts.directory } };
  return {
    case: 'thinPool',
    value: {
      name: facts.poolName,
      blockBytes: BigInt(facts.blockBytes),
      mode: MODES[facts.status.mode],
      needsCheck: facts.status.needsCheck,
      transactionId: BigInt(facts.status.transactionId),
      engine: facts.engine,
      driverVersion: facts.driverVersion,
      extension: {
        madeOf: facts.makeup?.kind ?? '',
        parts: partsOf(facts.makeup),
        ...(growth === null
          ? {}
          : { thresholdPercent: growth.policy.thresholdPercent, percent: growth.policy.percent }),
        times: BigInt(extender.times),
        lastFailure: extender.lastFailure ?? '',
      },
    },
  };
}

function partsOf(makeup: PoolMakeup | null): string[] {
  switch (makeup?.kind) {
    case undefined:
      return [];
    case 'loop':
      return ['data', 'metadata'].map((file) => join(makeup.dir, file));
    case 'raw':
      return [makeup.dataPath, makeup.metadataPath];
    case 'lvm':
      return [`${makeup.vg}/${makeup.lv}`];
  }
}

function toSpace({ config }: AdminContext, usage: Usage): MessageInitShape<typeof pb.SpaceSchema> {
  return {
    usedBytes: BigInt(usage.usedBytes),
    totalBytes: BigInt(usage.totalBytes),
    availableBytes: BigInt(freeOf(usage)),
    reserveBytes: BigInt(Math.round(reserveOf(config.minFreeSpace, usage))),
  };
}

function countSnapshots({ catalog }: AdminContext): MessageInitShape<typeof pb.SnapshotCountsSchema> {
  const counts = { committed: 0n, active: 0n, view: 0n };
  for (const { kind } of catalog.tables.snapshots.values()) counts[kind] += 1n;
  return { committed: counts.committed, active: counts.active, views: counts.view };
}

function countDevices({ catalog }: AdminContext): MessageInitShape<typeof pb.DeviceCountsSchema> {
  const { devices } = catalog.tables;
  const counts = new Map<string, bigint>();
  let bases = 0n;
  for (const { state, purpose } of devices.values()) {
    counts.set(state, (counts.get(state) ?? 0n) + 1n);
    if (purpose.kind === 'base') bases += 1n;
  }
  const states = DEVICE_STATES.map((state) => ({ state, count: counts.get(state) ?? 0n }));
  return { total: BigInt(devices.size), bases, states: states.filter(({ count }) => count > 0n) };
}

function toStandby({ standby, config, volumes }: AdminContext): MessageInitShape<typeof pb.StandbySchema> {
  const { ready, wanted, hits, misses } = standby.counts;
  // Where a copy costs its whole size, none is made ahead.
  const isOff = !volumes.sharesBlocks;
  return {
    ready: BigInt(ready),
    wanted: BigInt(wanted),
    parentLimit: isOff ? 0n : BigInt(config.standbyPerParent),
    totalLimit: isOff ? 0n : BigInt(config.standbyTotal),
    hits: BigInt(hits),
    misses: BigInt(misses),
  };
}
