// The steps of making a pool and of taking one apart: a plan is a list of these, so that what --dry-run prints is what is
// done. And what the machine, its disks and LVM say when a plan is made.

import type { LoopMakeup, PoolRef } from './pool-makeup.ts';
import type { Bytes } from './units.ts';

export type PoolStep =
  /** Signatures of what a device holds, away: wipefs. */
  | { readonly kind: 'wipe-signatures'; readonly path: string }
  /** The first block of a raw pool's metadata device, zeroed: a new pool (thin-provisioning.rst). */
  | { readonly kind: 'blank-metadata'; readonly path: string }
  /** All of a device that was a pool's: discarded where it can be, first and last MiB zeroed. */
  | { readonly kind: 'erase'; readonly path: string; readonly sizeBytes: Bytes }
  /** `lvm WORDS`. `fine`: what LVM does not have any more need not be taken away. */
  | { readonly kind: 'lvm'; readonly words: readonly string[]; readonly absent: 'fault' | 'fine' }
  /** When LVM's own dmeventd extends the pool: a profile that the pool names. */
  | {
      readonly kind: 'write-profile';
      readonly profile: string;
      readonly thresholdPercent: number;
      readonly percent: number;
    }
  | { readonly kind: 'remove-profile'; readonly profile: string }
  | {
      readonly kind: 'make-files';
      readonly makeup: LoopMakeup;
      readonly dataBytes: Bytes;
      readonly metadataBytes: Bytes;
    }
  /** `directory`: whether that goes too, when it is empty then. */
  | { readonly kind: 'remove-files'; readonly dir: string; readonly directory: boolean }
  /** `dataBytes`: for the text of the table. */
  | { readonly kind: 'assemble'; readonly pool: PoolRef; readonly dataBytes: Bytes }
  | { readonly kind: 'disassemble'; readonly pool: PoolRef };

export interface DeviceSurvey {
  /** As it was asked for. */
  readonly path: string;
  /** A name that stays with the device, where udev gives it one; else `path`. */
  readonly stablePath: string;
  /** "MAJOR:MINOR". */
  readonly number: string;
  readonly sizeBytes: Bytes;
  /** Why it cannot be had, force or not: mounted, held, swap, read-only, a volume group's. */
  readonly inUse: readonly string[];
  /** What would be destroyed: signatures, partitions. */
  readonly holds: readonly string[];
}

export interface LvmGroup {
  readonly extentBytes: Bytes;
  readonly freeBytes: Bytes;
  readonly volumes: readonly string[];
}

/** Ends of a sentence that begins "Cannot make a pool: ". */
export type PoolNeeds = readonly string[];

export type MetadataVerdict =
  /** `cleared`: the kernel's needs_check, which a sound pool need not keep. */
  | { readonly kind: 'sound'; readonly live: boolean; readonly cleared: boolean }
  | { readonly kind: 'damaged'; readonly live: boolean; readonly found: string };

/** Erased of each end of a device: where signatures of file systems, partition tables and LVM are. */
export const ERASED_END_BYTES = 2 ** 20;
