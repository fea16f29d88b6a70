// What snapshots need of storage, whichever kind it is. Two implementations, thin-pool/ and blockfile/, pass one test suite.
//
// A volume knows devices, not snapshots: names, parents and what was acknowledged are the catalog's. Nothing here
// writes a record. Calls on one device are made one after another (its lane); calls on different ones side by side.

import type { PoolMakeup, WantedSizes } from '../../shared/pool-makeup.ts';
import type { EngineKind, PoolRoom, PoolStatus } from '../../shared/tasks.ts';
import type { Bytes, DeviceId } from '../../shared/units.ts';
import type { Device, Place } from '../catalog/records.ts';
import type { Autoextend } from '../config/autoextend.ts';
import type { Gate } from '../lanes.ts';
import type { Stockroom } from './stockroom.ts';

/** Lets a few actions through at a time: what nobody waits for leaves the other threads to calls. */
export type Turns = Pick<Gate, 'run'>;

export type Mode = 'rw' | 'ro';
/**
 * `none`: the kernel does not have it, or needs not have it. What was to change it failed half-way: `unsure` whether the kernel
 * has it, read-only at most; `unknown`: it may have it, and open for writing.
 */
export type Activity = Mode | 'none' | 'unsure' | 'unknown';

/** Whether somebody may be writing to it: a snapshot of it must hold that back. */
export function mayBeWritten(activity: Activity): boolean {
  return activity === 'rw' || activity === 'unknown';
}

/** A mount as containerd's mount message has it. */
export interface Mount {
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

export interface Usage {
  readonly usedBytes: number;
  readonly totalBytes: number;
}

export interface Space {
  readonly data: Usage;
  /** null where the kind of volumes has no metadata of its own to run out of. */
  readonly metadata: Usage | null;
}

export interface Sealed {
  /** Someone has the device open: it may go on changing, so what is committed must be a snapshot of it. */
  readonly open: boolean;
  readonly mappedBytes: Bytes;
}

/** What start-up found that the catalog did not expect, for the log. */
export interface Recovered {
  readonly resumed: number;
  readonly deactivated: number;
  /** Ours, and not known to the catalog: left as they are. */
  readonly kept: number;
}

/** What becomes of a device of ours without a record. One that a restored catalog does not know may be somebody's. */
export type UnknownFate = 'take-away' | 'keep';

/** What an operator is told of volumes beside their space; a pool's status as last seen. */
export type VolumesFacts =
  | {
      readonly kind: 'thin-pool';
      readonly poolName: string;
      readonly blockBytes: number;
      readonly status: PoolStatus;
      readonly engine: EngineKind;
      readonly driverVersion: string;
      readonly makeup: PoolMakeup | null;
    }
  | { readonly kind: 'blockfile'; readonly directory: string };

/** How volumes become larger while they are in use. */
export interface Growth {
  readonly policy: Autoextend;
  /** Sizes of data are multiples of it. */
  readonly blockBytes: number;
  room(): Promise<PoolRoom>;
  /** To at least these sizes; answers what there is then. */
  extend(wanted: WantedSizes): Promise<Space>;
}

export interface Volumes {
  readonly kind: 'thin-pool' | 'blockfile';
  /** One line for the log and the first screen: which pool, which engine, and why. */
  readonly description: string;
  /** Whether a copy shares its origin's blocks, as far as is known: if not, copies that nobody asked for cost too much. */
  readonly sharesBlocks: boolean;

  /** Where the next device goes. Nothing exists yet; the catalog writes it down as an intent first. */
  newPlace(): Place;
  /**
   * A writable copy of `origin`, ready to mount. After a fault something may be left, which `remove` takes away; nothing
   * is, and nothing may be removed, after a fault that leaves nothing or `thin-id-taken`: the place is another's.
   */
  createSnapshot(device: Device, origin: Device): Promise<void>;
  /** A freshly formatted file system, at rest; answers what it maps. */
  createBase(device: Device): Promise<Bytes>;
  /** A copy of a device that is in use, as it is at one moment, at rest; answers what it maps. */
  snapshotInUse(device: Device, origin: Device): Promise<Bytes>;

  /** Makes the device usable as its mount names it. Nothing to do when it is so already. */
  activate(device: Device, mode: Mode): Promise<void>;
  /** How the device is in use by us right now. */
  activity(device: Device): Activity;
  /** Takes the device out of use. Nothing to do when it is so already. Fault `device-busy`. */
  deactivate(device: Device): Promise<void>;
  mount(device: Device, mode: Mode): Mount;

  /** Makes all that was written so far durable; says whether the device is still open. */
  seal(device: Device): Promise<Sealed>;
  /** What the device maps at the moment, its origin's blocks included. */
  mapped(device: Device): Promise<Bytes>;
  /** Deletes the device and all it holds. What is gone already is no fault. Fault `device-busy`. */
  remove(device: Device, turns: Turns): Promise<void>;

  /**
   * Devices that were open for writing while writes failed for want of space. Whoever wrote through a file system need not have
   * been told, since an error of writing back reaches who calls fsync and not who unmounts. As far as was seen: it is looked
   * at every few seconds, and by calls.
   */
  readonly faulty: ReadonlySet<DeviceId>;
  readonly facts: VolumesFacts;
  /** Space as last seen. */
  readonly space: Space;
  refreshSpace(): Promise<Space>;
  /** null where nobody here can make them larger. */
  readonly growth: Growth | null;
  /** Holds the catalog's devices against what the kernel has, once, before the first call is served. */
  recover(devices: ReadonlyMap<DeviceId, Device>, unknown: UnknownFate): Promise<Recovered>;
  /** What there is beside the catalog. */
  readonly stockroom: Stockroom;
}

export interface Opened {
  readonly volumes: Volumes;
  /** Tells the volumes of a thin id that turned out to be somebody else's. */
  readonly onForeignThinId: (thinId: number) => void;
  close(): Promise<void>;
}

/** A volume's mount options: what the file system needs, what the mode needs, what the user asked for. */
export function mountOptions(device: Device, mode: Mode, extra: readonly string[]): string[] {
  const options: string[] = mode === 'ro' ? ['ro'] : [];
  // All snapshots of one base share its UUID, and XFS refuses a second mount of the same one.
  if (device.fsType === 'xfs') options.push('nouuid');
  // A committed XFS may have been frozen when it was copied: its log is then dirty on purpose (everything is in place but
  // the record that recovery should look for unlinked inodes), and a read-only device cannot replay it.
  if (device.fsType === 'xfs' && mode === 'ro') options.push('norecovery');
  return [...options, ...extra];
}
