// What thin_ls says of a pool's devices, read from a metadata snapshot while the pool is in use.

import { FaultError } from '../../shared/faults.ts';
import type { Engine } from '../devmapper/engine.ts';
import { runTool } from '../exec.ts';
import { withMetadataSnapshot } from './metadata-snapshot.ts';

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
  const { stdout } = await withMetadataSnapshot(engine, pool, (metadataPath) =>
    runTool('thin_ls', ['-m', '--no-headers', '-o', columns.join(','), metadataPath], {
      timeoutMs: THIN_LS_TIMEOUT_MS,
      wholeMaxBytes: maxBytes,
    }),
  );
  return parseThinRows(stdout, columns.length);
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
