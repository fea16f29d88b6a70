// How much larger a pool may become: what its host's file system, or its volume group, still has for it. What a sparse file
// was promised and has not taken yet is not free any more.

import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { LOOP_FILES } from '../../shared/pool-makeup.ts';
import { formatSize } from '../../shared/sizes.ts';
import type { PoolRoom, TaskArgs } from '../../shared/tasks.ts';
import { type Bytes, parseBytes } from '../../shared/units.ts';
import { withErrno } from '../errno.ts';
import { unallocatedBytes } from '../pools/loop-files.ts';
import { freeInGroup } from '../pools/lvm.ts';

/** Of the host's file system, left to everything else on it. */
const HOST_RESERVE_SHARE = 0.05;

export async function poolRoom({ makeup }: TaskArgs<'poolRoom'>): Promise<PoolRoom> {
  switch (makeup.kind) {
    case 'loop':
      return hostRoom(makeup.dir);
    case 'lvm': {
      const freeBytes = await freeInGroup(makeup.vg);
      const limit = `${formatSize(freeBytes)} are free in the volume group ${makeup.vg}`;
      const advice = `Add a disk to it ("vgextend ${makeup.vg} DISK"), or remove images or containers`;
      return { freeBytes, limit, advice };
    }
  }
}

async function hostRoom(dir: string): Promise<PoolRoom> {
  const { bavail, blocks, bsize } = await withErrno(`look at ${dir}`, () => statfs(dir));
  const freeBytes = bavail * bsize;
  const reserveBytes = Math.ceil(blocks * bsize * HOST_RESERVE_SHARE);
  let claimBytes = 0;
  for (const file of LOOP_FILES) claimBytes += await unallocatedBytes(join(dir, file));
  const [free, claim, reserve] = [freeBytes, claimBytes, reserveBytes].map((bytes) => formatSize(parseBytes(bytes)));
  return {
    freeBytes: toBytes(freeBytes - claimBytes - reserveBytes),
    limit: `${free} are free on the file system of ${dir}, of which the pool's files may still take ${claim}, and ${reserve} are kept`,
    advice: `Make room on the file system of ${dir}, or remove images or containers`,
  };
}

function toBytes(bytes: number): Bytes {
  return parseBytes(Math.max(0, Math.floor(bytes)));
}
