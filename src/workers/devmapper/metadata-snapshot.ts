// What a pool's metadata says while the pool is in use: thin_ls reads a metadata snapshot, which stays as it is meanwhile
// (thin-provisioning.rst). A pool has one slot for such a snapshot, so whoever asks does so one after another.

import { readlink } from 'node:fs/promises';
import { basename } from 'node:path';
import { FaultError, isFault } from '../../shared/faults.ts';
import { withErrno } from '../errno.ts';
import { runTool } from '../exec.ts';
import type { Engine } from './engine.ts';
import { readPoolTable } from './pool.ts';

const THIN_LS_TIMEOUT_MS = 120_000;

/** Columns of thin_ls that hold nothing but digits. */
export type ThinColumn = 'DEV' | 'MAPPED_BYTES' | 'EXCLUSIVE_BYTES';

export interface ThinListing {
  readonly columns: readonly ThinColumn[];
  /** Longer output is a fault: it has to fit into a worker's memory. */
  readonly maxBytes: number;
}

/** A row for each thin device of the pool. Fault `tool-missing` without thin_ls. */
export async function listThins(
  engine: Engine,
  pool: string,
  { columns, maxBytes }: ThinListing,
): Promise<readonly (readonly number[])[]> {
  const metadataPath = await toDevicePath((await readPoolTable(engine, pool)).metadataNumber);
  await reserveSnapshot(engine, pool);
  try {
    const { stdout } = await runTool('thin_ls', ['-m', '--no-headers', '-o', columns.join(','), metadataPath], {
      timeoutMs: THIN_LS_TIMEOUT_MS,
      wholeMaxBytes: maxBytes,
    });
    return parseThinRows(stdout, columns.length);
  } finally {
    await engine.message(pool, 'release_metadata_snap');
  }
}

/** Numbers in columns, one line for each device. */
export function parseThinRows(stdout: string, columns: number): readonly (readonly number[])[] {
  return stdout
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const words = line.trim().split(/\s+/);
      const numbers = words.map(Number);
      const isRow = words.length === columns && words.every((word) => /^\d+$/.test(word));
      if (isRow && numbers.every(Number.isSafeInteger)) return numbers;
      throw new FaultError('io', `Cannot read what thin_ls answers: ${JSON.stringify(line)}`);
    });
}

/** A process that was killed leaves the slot held for ever. The pool is ours alone, so what is held is taken over once. */
async function reserveSnapshot(engine: Engine, pool: string): Promise<void> {
  try {
    await engine.message(pool, 'reserve_metadata_snap');
  } catch (error) {
    if (!isFault(error, 'device-busy')) throw error;
    await engine.message(pool, 'release_metadata_snap');
    await engine.message(pool, 'reserve_metadata_snap');
  }
}

/** "253:0" to "/dev/dm-0": sysfs links each number to its device's folder, with `!` for a slash in the name. */
async function toDevicePath(number: string): Promise<string> {
  const link = await withErrno(`find the metadata device ${number}`, () => readlink(`/sys/dev/block/${number}`));
  return `/dev/${basename(link).replaceAll('!', '/')}`;
}
