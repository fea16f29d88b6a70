// The thin ids that a pool holds, read by thin_ls from a metadata snapshot while the pool is in use.

import { readlink } from 'node:fs/promises';
import { basename } from 'node:path';
import { FaultError, isFault } from '../../shared/faults.ts';
import type { TaskArgs } from '../../shared/tasks.ts';
import { parseThinId, type ThinId } from '../../shared/units.ts';
import type { Engine } from '../devmapper/engine.ts';
import { readPoolTable } from '../devmapper/pool.ts';
import { withErrno } from '../errno.ts';
import { runTool } from '../exec.ts';

const THIN_LS_TIMEOUT_MS = 120_000;
// All 2^24 ids that a pool can hold, 8 digits and a newline each.
const THIN_LS_MAX_BYTES = 9 * 2 ** 24;

export async function poolThinIds(engine: Engine, { pool }: TaskArgs<'poolThinIds'>): Promise<readonly ThinId[]> {
  const metadataPath = await toDevicePath((await readPoolTable(engine, pool)).metadataNumber);
  await reserveSnapshot(engine, pool);
  try {
    const { stdout } = await runTool('thin_ls', ['-m', '--no-headers', '-o', 'DEV', metadataPath], {
      timeoutMs: THIN_LS_TIMEOUT_MS,
      wholeMaxBytes: THIN_LS_MAX_BYTES,
    });
    return stdout
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
      .map(parseId);
  } finally {
    await engine.message(pool, 'release_metadata_snap');
  }
}

/** A pool has one slot for a metadata snapshot. A process that was killed leaves it held for ever: it is taken over once. */
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

function parseId(line: string): ThinId {
  if (/^\d+$/.test(line)) return parseThinId(Number(line));
  throw new FaultError('io', `Cannot read what thin_ls answers: ${JSON.stringify(line)}`);
}
