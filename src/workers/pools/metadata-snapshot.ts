// A look at the metadata of a pool that is in use, by the kernel's metadata snapshot: a pool has one slot for it.

import { readlink } from 'node:fs/promises';
import { basename } from 'node:path';
import { isFault } from '../../shared/faults.ts';
import type { Engine } from '../devmapper/engine.ts';
import { readPoolTable } from '../devmapper/pool.ts';
import { withErrno } from '../errno.ts';

/** Runs `look` with the path of the metadata device, and lets the snapshot go whatever happens. */
export async function withMetadataSnapshot<Answer>(
  engine: Engine,
  pool: string,
  look: (metadataPath: string) => Promise<Answer>,
): Promise<Answer> {
  const metadataPath = await toDevicePath((await readPoolTable(engine, pool)).metadataNumber);
  await reserveSnapshot(engine, pool);
  try {
    return await look(metadataPath);
  } finally {
    await engine.message(pool, 'release_metadata_snap');
  }
}

/** A process that was killed leaves it held for ever: it is taken over once. */
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
