// What a pool is made of: enough to bring it back after a reboot, to extend it and to take it apart. It is kept in the
// pool's description (main/pools/description.ts), and whatever works on pools is given it.

import { assert } from './faults.ts';
import { type Bytes, GIB, KIB, MIB, parseBytes, parseSectors, SECTOR_BYTES, type Sectors, toSectors } from './units.ts';

/** What a thin-pool target may be told (thin-provisioning.rst). `skip_block_zeroing` is left out: see docs/pools.md. */
export const POOL_FEATURES = ['error_if_no_space', 'no_discard_passdown', 'ignore_discard'] as const;
export type PoolFeature = (typeof POOL_FEATURES)[number];
/** Of pools that thinsnap makes: by default a full one lets writers hang for 60 s (no_space_timeout), and all that wait for them. */
export const DEFAULT_FEATURES: readonly PoolFeature[] = ['error_if_no_space'];

/** What the table of a pool of ours says besides its devices. LVM keeps that of its own pools. */
export interface PoolTraits {
  /** The pool's dm uuid. */
  readonly uuid: string;
  readonly blockSectors: Sectors;
  readonly features: readonly PoolFeature[];
}

export const LOOP_FILES = ['data', 'metadata'] as const;

/** The files `LOOP_FILES` in a directory, each on a loop device. */
export interface LoopMakeup extends PoolTraits {
  readonly kind: 'loop';
  readonly dir: string;
}

/** Two block devices as they are. */
export interface RawMakeup extends PoolTraits {
  readonly kind: 'raw';
  readonly dataPath: string;
  readonly metadataPath: string;
}

/** A thin pool of LVM. */
export interface LvmMakeup {
  readonly kind: 'lvm';
  readonly vg: string;
  readonly lv: string;
}

export type PoolMakeup = LoopMakeup | RawMakeup | LvmMakeup;

/** How large a pool is to be at least; null: as it is. */
export interface WantedSizes {
  readonly dataBytes: Bytes | null;
  readonly metadataBytes: Bytes | null;
}

/** A pool by its name under /dev/mapper, and what it is made of. */
export interface PoolRef {
  readonly name: string;
  readonly makeup: PoolMakeup;
}

/** Blocks of a pool: 64 KiB to 1 GiB in steps of 64 KiB (thin-provisioning.rst). */
export const BLOCK_STEP_BYTES = 64 * KIB;
export const BLOCK_BYTES_MAX = GIB;
/** Blocks of its metadata, whatever its data blocks are (thin-provisioning.rst). */
export const METADATA_BLOCK_BYTES = 4096;
/** What the kernel uses of a metadata device at most (thin-provisioning.rst). */
export const METADATA_BYTES_MAX = 17_045_913_600;
const METADATA_BYTES_MIN = 32 * MIB;
const METADATA_BYTES_PER_BLOCK = 48;

/**
 * Metadata for so much data: 48 bytes for each block (thin-provisioning.rst), and as much again, for what many snapshots
 * share no longer.
 */
export function metadataBytesFor(dataBytes: Bytes, blockSectors: Sectors): Bytes {
  assert(blockSectors > 0, 'a pool has blocks of no size');
  const blocks = Math.ceil(dataBytes / (blockSectors * SECTOR_BYTES));
  const bytes = Math.max(METADATA_BYTES_MIN, 2 * blocks * METADATA_BYTES_PER_BLOCK);
  return parseBytes(Math.min(Math.ceil(bytes / MIB) * MIB, Math.floor(METADATA_BYTES_MAX / MIB) * MIB));
}

// The kernel's event comes when a fifth is left: where the pools of LVM extend themselves by default.
const LOW_WATER_SHARE = 0.2;

/** What a pool's table says of so much data: whole blocks, and at how few free ones the kernel tells. */
export function poolGeometry(
  dataBytes: Bytes,
  blockSectors: Sectors,
): { readonly sizeSectors: Sectors; readonly lowWaterBlocks: number } {
  const sectors = toSectors(dataBytes);
  const sizeSectors = parseSectors(sectors - (sectors % blockSectors));
  return { sizeSectors, lowWaterBlocks: Math.floor((sizeSectors / blockSectors) * LOW_WATER_SHARE) };
}

/** The name that device-mapper knows a logical volume by: each "-" inside either name is doubled. */
export function lvmDeviceName(vg: string, lv: string): string {
  return `${vg.replaceAll('-', '--')}-${lv.replaceAll('-', '--')}`;
}

/** The volume group and volume that a device-mapper name stands for; null when it can be no volume's. */
export function parseLvmDeviceName(name: string): LvmMakeup | null {
  // A single "-" stands between the two, and no name of LVM's begins with one (lvm(8), VALID NAMES).
  const match = /^((?:[^-]|--)+)-((?:[^-]|--)+)$/.exec(name);
  const [, vg = '', lv = ''] = match ?? [];
  return match === null ? null : { kind: 'lvm', vg: vg.replaceAll('--', '-'), lv: lv.replaceAll('--', '-') };
}
