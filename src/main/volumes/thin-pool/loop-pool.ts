// A pool of the daemon's own, on two sparse files: for hosts where nobody made one. Slower than a pool on a disk, and
// it cannot outgrow the file system that it is on.

import { mkdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { FaultError } from '../../../shared/faults.ts';
import { BLOCK_STEP_BYTES, DEFAULT_FEATURES, type LoopMakeup, metadataBytesFor } from '../../../shared/pool-makeup.ts';
import type { PoolAssembly } from '../../../shared/tasks.ts';
import { type Bytes, GIB, MIB, parseBytes, parseSectors, SECTOR_BYTES } from '../../../shared/units.ts';
import { DATA_BYTES_MIN } from '../../pools/sizes.ts';
import type { TaskPool } from '../../task-pool.ts';

/** As Docker's loop-lvm had it (dm.loopdatasize), within what the disk can hold. */
const DATA_BYTES_MAX = 100 * GIB;
const DATA_SHARE_OF_FREE = 0.9;

/** Each root_path has a pool of its own, so its name has a piece of the catalog's. */
export function loopPoolName(catalogId: string): string {
  return `thinsnap-${catalogId.slice(0, 8)}`;
}

export function loopPoolMakeup(catalogId: string, dir: string): LoopMakeup {
  return {
    kind: 'loop',
    dir,
    uuid: `thinsnap-pool-${catalogId}`,
    blockSectors: parseSectors(BLOCK_STEP_BYTES / SECTOR_BYTES),
    features: DEFAULT_FEATURES,
  };
}

/** Makes the pool or brings it back. Fault `no-space` when the disk has too little for one. */
export async function openLoopPool(
  tasks: TaskPool,
  pool: { name: string; makeup: LoopMakeup; check: boolean },
): Promise<PoolAssembly> {
  const { dir, blockSectors } = pool.makeup;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const data = await sizeOf(join(dir, 'data'));
  const metadata = await sizeOf(join(dir, 'metadata'));
  if (data === null || metadata === null) {
    const dataBytes = data ?? (await newDataBytes(dir));
    const metadataBytes = metadata ?? metadataBytesFor(dataBytes, blockSectors);
    await tasks.run('makeLoopFiles', { makeup: pool.makeup, dataBytes, metadataBytes });
  }
  return tasks.run('assemblePool', pool);
}

async function sizeOf(path: string): Promise<Bytes | null> {
  const found = await stat(path).catch(() => null);
  return found === null || found.size === 0 ? null : parseBytes(found.size);
}

/** As much as the file system can take, within reason: the files are sparse. */
export async function newDataBytes(dir: string): Promise<Bytes> {
  const fs = await statfs(dir);
  const bytes = Math.min(DATA_BYTES_MAX, fs.bavail * fs.bsize * DATA_SHARE_OF_FREE);
  if (bytes < DATA_BYTES_MIN) {
    const found = `${Math.floor((fs.bavail * fs.bsize) / MIB)} MiB are free`;
    throw new FaultError(
      'no-space',
      `Cannot make a loop pool in ${dir}: ${found}, and ${DATA_BYTES_MIN / MIB} MiB are the least`,
    );
  }
  return parseBytes(Math.floor(bytes / MIB) * MIB);
}
