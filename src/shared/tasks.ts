// What main may ask of a worker: one line per task. Everything here crosses threads, so it is plain data.
// To add a task: a line in `Tasks`, its lane in `TASK_LANES`, `workers/tasks/<task>.ts`, its name in `workers/entry.ts`.

import type { Fault } from './faults.ts';
import type { LoopMakeup, LvmMakeup, PoolMakeup, PoolRef, WantedSizes } from './pool-makeup.ts';
import type { DeviceSurvey, LvmGroup, MetadataVerdict, PoolNeeds, PoolStep } from './pool-steps.ts';
import type { ToolName } from './tools.ts';
import type { Bytes, Sectors, ThinId } from './units.ts';

export const FS_TYPES = ['ext4', 'xfs', 'ext2'] as const;
export type FsType = (typeof FS_TYPES)[number];

export const ENGINE_KINDS = ['ioctl', 'dmsetup'] as const;
export type EngineKind = (typeof ENGINE_KINDS)[number];

/** As configured; `auto`: the first of the list that works here. */
export type EngineChoice = 'auto' | EngineKind;

export interface EngineReport {
  readonly kind: EngineKind;
  /** Why this one: shown in the log. */
  readonly reason: string;
  /** The kernel's device-mapper interface version, "4.47.0". */
  readonly driverVersion: string;
}

/** A pool's status line (thin-provisioning.rst), or why there is none. Block sizes are constant for a pool's life. */
export interface PoolStatus {
  readonly mode: 'rw' | 'ro' | 'out_of_data_space' | 'fail';
  readonly needsCheck: boolean;
  /** What becomes of a write that finds no space. In mode `queue` they wait for a minute, and then the kernel changes to `error`. */
  readonly whenFull: 'queue' | 'error';
  readonly transactionId: number;
  readonly usedMetadataBlocks: number;
  readonly totalMetadataBlocks: number;
  readonly usedDataBlocks: number;
  readonly totalDataBlocks: number;
}

export interface PoolFacts {
  readonly status: PoolStatus;
  /** The pool's dm uuid: LVM's begins with "LVM-", ours with "thinsnap-"; may be empty. */
  readonly uuid: string;
  readonly dataBlockSectors: Sectors;
}

/** What a thin device maps, and what of that nobody else does. */
export interface ThinFootprint {
  readonly thinId: ThinId;
  readonly mappedBytes: Bytes;
  readonly exclusiveBytes: Bytes;
}

export interface FileFootprint {
  readonly allocatedBytes: Bytes;
  /** What no other file shares; null where it cannot be told. */
  readonly exclusiveBytes: Bytes | null;
}

/** One dm device of ours as the kernel has it. */
export interface KernelDevice {
  readonly name: string;
  readonly uuid: string;
  readonly suspended: boolean;
  readonly readOnly: boolean;
  readonly openCount: number;
}

/** A thin device to be made known to the kernel. */
export interface Activation {
  readonly pool: string;
  /** The pool's transaction id, by which it is known to be ours still; null where somebody else keeps that number. */
  readonly poolTag: number | null;
  readonly name: string;
  readonly uuid: string;
  readonly thinId: ThinId;
  readonly sizeSectors: Sectors;
  readonly readOnly: boolean;
}
type OwnPool = Pick<Activation, 'pool' | 'poolTag'>;

/**
 * What a snapshot is taken of. `active`: the device is open for writing somewhere and must be suspended around it
 * (the kernel does not refuse otherwise, it corrupts: thin-provisioning.rst). `resting`: inactive, or active read-only.
 */
export type Origin =
  | { readonly state: 'resting'; readonly thinId: ThinId }
  | { readonly state: 'active'; readonly thinId: ThinId; readonly name: string };

/** `returns`: a device's name will be activated again. `never`: it belongs to a device that is being deleted. */
export type NameFate = 'returns' | 'never';

/** `grow`: the device is larger than its origin and its file system must follow before anyone mounts it. */
export type Growth = { readonly kind: 'same' } | { readonly kind: 'grow'; readonly fsType: FsType };

export interface MkfsSpec {
  readonly fsType: FsType;
  /** The user's own options for mkfs, split as words. */
  readonly options: readonly string[];
}

/** What became of the wish to have metadata checked. `sound` of an LVM pool: LVM has looked, as it does by itself. */
export type MetadataCheck = 'sound' | 'no-tool' | 'not-asked';

export interface PoolAssembly {
  /** False when the pool was active already. */
  readonly activated: boolean;
  /** Whether its metadata was blank, so that it is a new pool. */
  readonly created: boolean;
  readonly check: MetadataCheck;
}

/** By how much a pool may become larger, data and metadata together. */
export interface PoolRoom {
  readonly freeBytes: Bytes;
  /** What leaves no more, by the numbers; a whole clause for people. */
  readonly limit: string;
  /** What to do when that is too little. */
  readonly advice: string;
}

export interface Tasks {
  /** Answers once the worker is whole: koffi loaded, the engine chosen. */
  probe(args: Record<string, never>): EngineReport;
  /**
   * Ends the tools that a daemon before us left at work, and answers what they were; from then on tools of ours are known by
   * the same lock. Fault `unavailable` when one does not end.
   */
  fenceOrphans(args: { lockPath: string; limitMs: number }): readonly string[];

  /** What tools say of this machine; null where one is not there or would not tell. */
  machineFacts(args: Record<string, never>): {
    versions: readonly { tool: ToolName; version: string | null }[];
    /** Those that are not where the daemon looks for them. */
    missing: readonly ToolName[];
    /** As `dmsetup targets` prints them: "thin-pool  v1.22.0". */
    targets: string | null;
    /** As lvmconfig prints them: `global_filter=["a|.*|"]`. */
    lvmDevices: string | null;
  };

  // Thin pools. Each one that sends a message reads the pool's status after it and answers it: a message can answer 0
  // although its commit failed (measured). A pool that came in the place of ours is refused before anything is asked of it
  // (`precondition`). Other faults: pool-unsound, thin-id-taken, thin-id-missing, device-busy, no-space, io.
  /** Status and shape of a pool. Fault `device-missing` when there is no such device, `invalid` when it is no thin-pool. */
  poolFacts(args: { pool: string }): PoolFacts;
  /** The status alone. Faults as of `poolFacts`. */
  poolStatus(args: OwnPool): PoolStatus;
  /** Moves the transaction id by compare-and-swap: fault `precondition` when `from` is not the current one. */
  poolTag(args: { pool: string; from: number; to: number }): PoolStatus;
  /** The thin ids that a pool holds, by a metadata snapshot and thin_ls. Fault `tool-missing` where that is not installed. */
  poolThinIds(args: { pool: string }): readonly ThinId[];
  /** What each thin device takes, as `poolThinIds` reads it, and the pool's status of that moment. */
  poolFootprints(args: { pool: string }): { status: PoolStatus; thins: readonly ThinFootprint[] };
  /** All dm devices whose uuid begins with `uuidPrefix`. */
  listDevices(args: { uuidPrefix: string }): readonly KernelDevice[];
  /** create_snap, activate, link in /dev/mapper; undone in reverse when any of it fails. */
  createSnap(args: { activation: Activation; origin: Origin }): PoolStatus;
  /** Grows the file system on an active device, which nobody has mounted yet, to fill it. */
  growThin(args: { name: string; fsType: FsType }): void;
  /** create_snap alone, of an origin that is in use: suspended around it, resumed whatever happens. Nothing is activated. */
  snapActive(args: OwnPool & { thinId: ThinId; origin: Origin }): { status: PoolStatus; mappedBytes: Bytes };
  /** create_thin, activate, mkfs, no lost+found, deactivate. Answers what the fresh file system maps. */
  createBase(args: { activation: Activation; mkfs: MkfsSpec }): { status: PoolStatus; mappedBytes: Bytes };
  /** Makes the device known to the kernel; nothing to do when it is so already, with the same uuid and mode. */
  activate(args: Activation): void;
  /** Takes the device away from the kernel. Nothing to do when it is not there; fault `device-busy` when it is open. */
  deactivate(args: { name: string; uuid: string; fate: NameFate }): void;
  /** Whether anyone has the device open, and what it maps; when closed, the pool has committed all of it (not NOFLUSH). */
  sealThin(args: OwnPool & { name: string }): { open: boolean; mappedBytes: Bytes; status: PoolStatus };
  /** What an active thin device maps (NOFLUSH). Fault `device-missing` when it is not active. */
  thinMapped(args: { name: string }): Bytes;
  /** Gives the blocks of a device that is to be deleted back to the disk. Gone already is no fault. Fault `device-busy`. */
  discardThin(args: Activation): void;
  /** Deletes the thin ids of devices that are not active; one that fails holds up no other. What is gone already is no fault. */
  deleteThins(args: OwnPool & { thinIds: readonly ThinId[] }): {
    status: PoolStatus;
    failed: ReadonlyMap<ThinId, Fault>;
  };
  /** Resumes a device that a crash left suspended. */
  resume(args: { name: string }): void;

  // Whole pools. Faults: `device-missing` when what the pool is made of is not there (yet), `device-busy`, `precondition`
  // when its name is somebody else's, `pool-unsound` when thin_check finds damage.
  /** Makes the two files, or extends them to these sizes. */
  makeLoopFiles(args: { makeup: LoopMakeup; dataBytes: Bytes; metadataBytes: Bytes }): void;
  /**
   * Brings the pool back, or makes a new one where its metadata is blank; one that is there is brought to the size of what it
   * is made of. `check`: thin_check reads the metadata first, unless the pool is active already.
   */
  assemblePool(args: { name: string; makeup: PoolMakeup; check: boolean }): PoolAssembly;
  /** Takes the pool, and its loop devices, away from the kernel. Nothing to do when it is not there. */
  disassemblePool(args: { name: string; makeup: PoolMakeup }): void;
  /**
   * Makes an active pool at least this large while it is in use (null: as it is) and answers its status. A raw pool becomes as
   * large as its devices are.
   */
  extendPool(args: PoolRef & WantedSizes & Pick<OwnPool, 'poolTag'>): PoolStatus;
  /** How much what the pool is made of can still take. */
  poolRoom(args: { makeup: LoopMakeup | LvmMakeup }): PoolRoom;

  // What the commands of `thinsnap pool` are made of.
  /** What a block device is and holds, and who uses it; nothing is changed. Fault `device-missing`. */
  surveyDevice(args: { path: string }): DeviceSurvey;
  /** What LVM has by that name; null: nothing. */
  lvmGroup(args: { vg: string }): LvmGroup | null;
  /** What this machine lacks for a pool of that kind, each with what to do; empty: nothing. */
  poolNeeds(args: { kind: PoolMakeup['kind'] }): PoolNeeds;
  /** One step of a plan. */
  poolStep(args: { step: PoolStep }): void;
  /** thin_check on the metadata, by a metadata snapshot where the pool is active. What it says is an answer, not a fault. */
  checkPool(args: { name: string; makeup: PoolMakeup }): MetadataVerdict;
  /** thin_repair on an inactive pool, in place, with a copy of the damaged metadata kept; answers where that is. */
  repairPool(args: { name: string; makeup: PoolMakeup; keepIn: string }): { kept: string };

  // Blockfile volumes. Paths are made from our own numbers by main.
  /** A formatted sparse file, complete or absent: written beside `path` and renamed. */
  createBaseFile(args: { path: string; sizeBytes: Bytes; mkfs: MkfsSpec }): { allocatedBytes: Bytes };
  /** Copies by reflink, or only what is allocated; complete and on disk, or absent. */
  copyFile(args: { from: string; to: string; sizeBytes: Bytes; growth: Growth }): {
    allocatedBytes: Bytes;
    reflinked: boolean;
  };
  /** Whether a loop device has the file, and what it has allocated; all of it is on disk when answered. */
  sealFile(args: { path: string }): { open: boolean; allocatedBytes: Bytes };
  /** Copies a file whose file system is mounted somewhere: frozen around the copy, thawed whatever happens. */
  copyMountedFile(args: { from: string; to: string; sizeBytes: Bytes }): { allocatedBytes: Bytes };
  fileAllocated(args: { path: string }): Bytes;
  /** Gives the file blocks up to that size, and leaves it as long as it is; false where there is no room, or no such call. */
  reserveFile(args: { path: string; sizeBytes: Bytes }): boolean;
  /** In the order of `paths`, which are all in one directory; null for one that is not there. `omitted`: why not all is known. */
  fileFootprints(args: { paths: readonly string[] }): {
    footprints: readonly (FileFootprint | null)[];
    omitted: string;
  };
  /** Those that a loop device has. */
  openFiles(args: { paths: readonly string[] }): readonly string[];
  /** Removes the file; what is gone already is no fault. */
  removeFile(args: { path: string }): void;
  /** Thaws the file systems on these files that a crash left frozen; answers the paths of those. */
  thawFiles(args: { paths: readonly string[] }): readonly string[];
}

export type TaskName = keyof Tasks;
export type TaskArgs<Name extends TaskName> = Parameters<Tasks[Name]>[0];
export type TaskAnswer<Name extends TaskName> = ReturnType<Tasks[Name]>;

export type TaskReply<Name extends TaskName> =
  | { readonly ok: true; readonly value: TaskAnswer<Name> }
  | { readonly ok: false; readonly fault: Fault };

/** What `workers/entry.ts` must have: forget one and it does not compile. */
export type TaskHandlers = { readonly [Name in TaskName]: (args: TaskArgs<Name>) => Promise<TaskAnswer<Name>> };
