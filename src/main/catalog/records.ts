// What the catalog remembers, as the rest of main sees it. Records are never changed in place: a change is a new record.
//
// Invariants:
//   * A committed snapshot owns exactly one device; so does an active one. A view owns none: it uses its parent's
//     device, or that of a base when it has no parent.
//   * A device's record goes only after the kernel said that its thin id (or file) is gone.

import type { FsType } from '../../shared/tasks.ts';
import type { Bytes, DeviceId, ThinId } from '../../shared/units.ts';
import type { Timestamp } from '../snapshots/clock.ts';

export type Labels = ReadonlyMap<string, string>;

/** containerd's `uidmap=` and `gidmap=` mount options, as its labels gave them when the snapshot was made. */
export interface IdMap {
  readonly uids: string;
  readonly gids: string;
}

interface SnapshotFields {
  /** The key of an active snapshot or a view, the name of a committed one: one namespace. */
  readonly key: string;
  /** The parent's name; empty for none. */
  readonly parent: string;
  readonly deviceId: DeviceId;
  readonly labels: Labels;
  readonly createdAt: Timestamp;
  readonly updatedAt: Timestamp;
}

export interface ActiveSnapshot extends SnapshotFields {
  readonly kind: 'active';
  readonly idMap: IdMap | null;
}

export interface ViewSnapshot extends SnapshotFields {
  readonly kind: 'view';
  readonly idMap: IdMap | null;
}

export interface CommittedSnapshot extends SnapshotFields {
  readonly kind: 'committed';
  /** What it added over its parent, fixed when it was committed. */
  readonly usageBytes: Bytes;
}

export type Snapshot = ActiveSnapshot | ViewSnapshot | CommittedSnapshot;

/**
 * The states of containerd's devmapper metadata that outlive a call and so are written down; its passing ones
 * (Activating, Suspending ...) last no longer than one worker task. Removed is the absence of the record.
 */
export const DEVICE_STATES = ['Creating', 'Activated', 'Faulty', 'Deactivated', 'Removing'] as const;
export type DeviceState = (typeof DEVICE_STATES)[number];

export type DeviceEvent = 'activate' | 'fault' | 'deactivate' | 'remove';

const NO = null;
// biome-ignore format: a table reads as a table.
const NEXT: Record<DeviceState, Record<DeviceEvent, DeviceState | null>> = {
  // The intent: the kernel may or may not have heard of it. Nobody was told of it, so recovery removes it.
  Creating:    { activate: 'Activated', fault: NO,       deactivate: 'Deactivated', remove: 'Removing' },
  // Somebody's writable snapshot, or one that stands ready to become that. Whether the kernel has it active right now is asked of the kernel.
  Activated:   { activate: NO,          fault: 'Faulty', deactivate: 'Deactivated', remove: 'Removing' },
  // As Activated, but it may lack what was written to it, since there was no space: never committed.
  Faulty:      { activate: NO,          fault: NO,       deactivate: NO,            remove: 'Removing' },
  // A committed snapshot or a base: never written again, active read-only at most.
  Deactivated: { activate: NO,          fault: NO,       deactivate: NO,            remove: 'Removing' },
  // Forgotten by its owner; the reaper has it until the kernel says that it is gone.
  Removing:    { activate: NO,          fault: NO,       deactivate: NO,            remove: NO },
};

/** The state that `event` leads to; null where it may not happen. */
export function nextState(state: DeviceState, event: DeviceEvent): DeviceState | null {
  return NEXT[state][event];
}

/** Whether it is somebody's to write to, or stands ready to become that. */
export function isWritable(state: DeviceState): boolean {
  return state === 'Activated' || state === 'Faulty';
}

/** Where a device's blocks are. */
export type Place = { readonly kind: 'thin'; readonly thinId: ThinId } | { readonly kind: 'file' };

export type Purpose =
  | { readonly kind: 'snapshot' }
  /** Made ahead, and nobody's until it is given out. */
  | { readonly kind: 'standby' }
  /** An empty file system that parentless snapshots are taken of; one for each (file system, options, size). */
  | { readonly kind: 'base'; readonly fsOptions: readonly string[] };

export interface Device {
  readonly id: DeviceId;
  readonly place: Place;
  readonly purpose: Purpose;
  /** The device it was taken of; null for a base. */
  readonly originId: DeviceId | null;
  readonly fsType: FsType;
  readonly sizeBytes: Bytes;
  /** What it mapped when it was made: its origin's blocks, which are not its own. */
  readonly baselineBytes: Bytes;
  /** What it maps since it was committed or formatted; its baseline before that. */
  readonly mappedBytes: Bytes;
  readonly state: DeviceState;
}
