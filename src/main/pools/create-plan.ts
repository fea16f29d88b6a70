// What has to be done to make a pool, as a list of steps, each with what takes it back. Nothing is done here, and nothing
// looked at: whoever asks has surveyed the machine.

import {
  DEFAULT_FEATURES,
  type LoopMakeup,
  type LvmMakeup,
  lvmDeviceName,
  type RawMakeup,
} from '../../shared/pool-makeup.ts';
import type { DeviceSurvey, PoolStep } from '../../shared/pool-steps.ts';
import { type Bytes, KIB, parseBytes, type Sectors, toBytes } from '../../shared/units.ts';
import type { Autoextend } from '../config/autoextend.ts';
import { AUTOEXTEND_OFF, type PoolDescription } from './description.ts';
import type { Sizes } from './sizes.ts';

export interface PlannedStep {
  readonly step: PoolStep;
  /** In this order, when a later step fails. */
  readonly undo: readonly PoolStep[];
}

export interface CreatePlan {
  /** Not complete yet. */
  readonly description: PoolDescription;
  readonly steps: readonly PlannedStep[];
}

export interface LoopWish extends Sizes {
  readonly name: string;
  readonly makeup: LoopMakeup;
  readonly autoextend: Autoextend;
  /** Whether the directory is there already. */
  readonly directoryIsThere: boolean;
}

export function planLoop({
  name,
  makeup,
  autoextend,
  dataBytes,
  metadataBytes,
  directoryIsThere,
}: LoopWish): CreatePlan {
  const made = directoryIsThere ? [] : [makeup.dir];
  const pool = { name, makeup };
  return {
    description: { ...pool, autoextend, made, complete: false },
    steps: [
      {
        step: { kind: 'make-files', makeup, dataBytes, metadataBytes },
        undo: [{ kind: 'remove-files', dir: makeup.dir, directory: !directoryIsThere }],
      },
      { step: { kind: 'assemble', pool, dataBytes }, undo: [{ kind: 'disassemble', pool }] },
    ],
  };
}

export interface RawWish {
  readonly name: string;
  readonly uuid: string;
  readonly blockSectors: Sectors;
  readonly data: DeviceSurvey;
  readonly metadata: DeviceSurvey;
}

export function planRaw({ name, uuid, blockSectors, data, metadata }: RawWish): CreatePlan {
  const makeup: RawMakeup = {
    kind: 'raw',
    dataPath: data.stablePath,
    metadataPath: metadata.stablePath,
    uuid,
    blockSectors,
    features: DEFAULT_FEATURES,
  };
  const pool = { name, makeup };
  return {
    // Nobody but who made the devices can make them larger.
    description: { ...pool, autoextend: AUTOEXTEND_OFF, made: [], complete: false },
    steps: [
      ...wiping([data, metadata]),
      { step: { kind: 'blank-metadata', path: makeup.metadataPath }, undo: [] },
      {
        step: { kind: 'assemble', pool, dataBytes: data.sizeBytes },
        undo: [
          { kind: 'disassemble', pool },
          { kind: 'blank-metadata', path: makeup.metadataPath },
        ],
      },
    ],
  };
}

export interface LvmWish extends Sizes {
  readonly vg: string;
  readonly lv: string;
  /** For a new volume group; none: the group is there, and stays. */
  readonly devices: readonly DeviceSurvey[];
  readonly blockSectors: Sectors;
  readonly autoextend: Autoextend;
}

export function planLvm(wish: LvmWish): CreatePlan {
  const { vg, lv, devices, autoextend } = wish;
  const makeup: LvmMakeup = { kind: 'lvm', vg, lv };
  const name = lvmDeviceName(vg, lv);
  const volume = `${vg}/${lv}`;
  const paths = devices.map(({ stablePath }) => stablePath);
  const profile = profileOf(name);
  return {
    description: { name, makeup, autoextend, made: paths, complete: false },
    steps: [
      ...wiping(devices),
      ...(paths.length === 0 ? [] : [group(vg, paths)]),
      { step: lvm(creation(wish)), undo: [absentIsFine(['lvremove', '--yes', volume])] },
      { step: lvm(['lvchange', '--errorwhenfull', 'y', volume]), undo: [] },
      {
        step: { kind: 'write-profile', profile, ...autoextend },
        undo: [{ kind: 'remove-profile', profile }],
      },
      { step: lvm(['lvchange', '--metadataprofile', profile, volume]), undo: [] },
      { step: lvm(['lvchange', '--monitor', 'y', volume]), undo: [] },
    ],
  };
}

export function profileOf(poolName: string): string {
  return `thinsnap-${poolName}`;
}

function wiping(devices: readonly DeviceSurvey[]): readonly PlannedStep[] {
  return devices
    .filter(({ holds }) => holds.length > 0)
    .map(({ stablePath }) => ({ step: { kind: 'wipe-signatures', path: stablePath }, undo: [] }));
}

function group(vg: string, paths: readonly string[]): PlannedStep {
  return {
    step: lvm(['vgcreate', '--yes', vg, ...paths]),
    undo: [absentIsFine(['vgremove', '--yes', vg]), absentIsFine(['pvremove', '--yes', ...paths])],
  };
}

function creation({ vg, lv, dataBytes, metadataBytes, blockSectors }: LvmWish): readonly string[] {
  return [
    ...['lvcreate', '--yes', '--type', 'thin-pool', '--name', lv],
    ...['--size', `${dataBytes}b`, '--poolmetadatasize', `${metadataBytes}b`],
    ...['--chunksize', `${toBytes(blockSectors) / KIB}k`, '--zero', 'y', '--discards', 'passdown', vg],
  ];
}

function lvm(words: readonly string[]): PoolStep {
  return { kind: 'lvm', words, absent: 'fault' };
}

/** What LVM does not have any more need not be taken away. */
export function absentIsFine(words: readonly string[]): PoolStep {
  return { kind: 'lvm', words, absent: 'fine' };
}

/** What there is for volumes on new disks: LVM keeps 1 MiB of each, and whole extents (pvcreate(8), vgcreate(8)). */
export function roomOnDisks(devices: readonly DeviceSurvey[], extentBytes: number, keptBytes: number): Bytes {
  const extents = devices.reduce((sum, { sizeBytes }) => sum + Math.floor((sizeBytes - keptBytes) / extentBytes), 0);
  return parseBytes(Math.max(0, extents) * extentBytes);
}
