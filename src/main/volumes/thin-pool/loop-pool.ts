// A pool of the daemon's own, on two sparse files: for hosts where nobody made one. Slower than a pool on a disk, and
// it cannot outgrow the file system that it is on.

import { mkdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { FaultError } from '../../../shared/faults.ts';
import { type Bytes, GIB, KIB, MIB, parseBytes } from '../../../shared/units.ts';
import type { TaskPool } from '../../task-pool.ts';

/** As Docker's loop-lvm had it (dm.loopdatasize), within what the disk can hold. */
const DATA_BYTES_MAX = 100 * GIB;
const DATA_SHARE_OF_FREE = 0.9;
const DATA_BYTES_MIN = 256 * MIB;
/** 48 bytes for each data block (thin-provisioning.rst), and room for many snapshots of them. */
const METADATA_BYTES_PER_BLOCK = 48;
const BLOCK_BYTES = 64 * KIB;
const METADATA_BYTES_MIN = 32 * MIB;

/** Each root_path has a pool of its own, so its name has a piece of the catalog's. */
export function loopPoolName(catalogId: string): string {
  return `thinsnap-${catalogId.slice(0, 8)}`;
}

/** Makes the pool or brings it back; answers its name. Fault `no-space` when the disk has too little for one. */
export async function openLoopPool(tasks: TaskPool, catalogId: string, dir: string): Promise<string> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const pool = loopPoolName(catalogId);
  const dataBytes = (await sizeOf(join(dir, 'data'))) ?? (await newDataBytes(dir));
  const metadataBytes = (await sizeOf(join(dir, 'metadata'))) ?? newMetadataBytes(dataBytes);
  await tasks.run('openLoopPool', { dir, pool, uuid: `thinsnap-pool-${catalogId}`, dataBytes, metadataBytes });
  return pool;
}

async function sizeOf(path: string): Promise<Bytes | null> {
  const found = await stat(path).catch(() => null);
  return found === null || found.size === 0 ? null : parseBytes(found.size);
}

async function newDataBytes(dir: string): Promise<Bytes> {
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

function newMetadataBytes(dataBytes: Bytes): Bytes {
  const bytes = (dataBytes / BLOCK_BYTES) * METADATA_BYTES_PER_BLOCK;
  return parseBytes(Math.ceil(Math.max(METADATA_BYTES_MIN, bytes) / MIB) * MIB);
}
