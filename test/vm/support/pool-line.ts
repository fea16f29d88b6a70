// What the kernel says of the tests' pool, and waiting for it to say something else.

import { KIB } from '../../../src/shared/units.ts';
import { until } from '../../support/until.ts';
import { POOL } from './pool.ts';
import { shell } from './shell.ts';

export const BLOCK_BYTES = 64 * KIB;

export interface PoolLine {
  readonly mode: string;
  readonly usedBytes: number;
  readonly freeBytes: number;
  /** Blocks of 4 KiB. */
  readonly usedMetadata: number;
  readonly totalMetadata: number;
  /** "error_if_no_space" or "queue_if_no_space". */
  readonly whenFull: string;
}

export async function poolLine(): Promise<PoolLine> {
  const line = await shell('dmsetup', 'status', '--noflush', POOL);
  const [, , , , metadata = '', data = '', , mode = '', , whenFull = ''] = line.split(' ');
  const [used = 0, total = 0] = data.split('/').map(Number);
  const [usedMetadata = 0, totalMetadata = 0] = metadata.split('/').map(Number);
  const [usedBytes, freeBytes] = [used * BLOCK_BYTES, (total - used) * BLOCK_BYTES];
  return { mode, usedBytes, freeBytes, usedMetadata, totalMetadata, whenFull };
}

export function untilMode(mode: string, limitMs: number): Promise<PoolLine> {
  const look = async (): Promise<PoolLine | null> => {
    const line = await poolLine();
    return line.mode === mode ? line : null;
  };
  return until(limitMs, look, () => `the pool is not ${mode}`);
}
