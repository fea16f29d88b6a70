// The file system that sparse files are on: what it still has for them.

import { stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FaultError } from '../../shared/faults.ts';
import { type Bytes, MIB, unallocated } from '../../shared/units.ts';

/** What ext4 keeps to itself of its blocks, though it counts them as free (ext4_calculate_resv_clusters()). */
const KEPT_SHARE = 1 / 50;
const KEPT_BLOCKS_MAX = 4096;
/** With less than that free beside, what is written in one go may not fit. */
const FULL_BYTES = 4 * MIB;

export interface HostSpace {
  readonly totalBytes: number;
  /** Without what is reserved for root. */
  readonly freeBytes: number;
  /** Whether writes to a sparse file may fail. The kernel makes them, with root's right to what is reserved. */
  readonly isFull: boolean;
}

/** Fault `unavailable` when the directory is not there. */
export async function hostSpace(directory: string): Promise<HostSpace> {
  const { blocks, bfree, bavail, bsize } = await statfs(directory).catch((error: unknown) => {
    throw notToBeSeen(directory, error);
  });
  const kept = Math.min(blocks * KEPT_SHARE, KEPT_BLOCKS_MAX);
  return { totalBytes: blocks * bsize, freeBytes: bavail * bsize, isFull: (bfree - kept) * bsize < FULL_BYTES };
}

/** What a sparse file may still take of the file system that it is on. Fault `unavailable` when it is not there. */
export async function unallocatedBytes(path: string): Promise<Bytes> {
  const status = await stat(path).catch((error: unknown) => {
    throw notToBeSeen(dirname(path), error);
  });
  return unallocated(status);
}

function notToBeSeen(directory: string, error: unknown): FaultError {
  return new FaultError('unavailable', `Cannot use the files in ${directory}: ${String(error)}`, { cause: error });
}
