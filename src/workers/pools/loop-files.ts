// The two sparse files of a pool on loop devices: made, grown, attached and let go. A file is never made smaller.

import { constants } from 'node:fs';
import { access, mkdir, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FaultError } from '../../shared/faults.ts';
import { type Bytes, parseBytes, unallocated } from '../../shared/units.ts';
import { allocate } from '../block/allocate.ts';
import { attachLoop, detachLoop, findLoops } from '../block/loop.ts';
import { errnoOf, withErrno } from '../errno.ts';
import type { NoteUndo } from '../undo.ts';
import type { Part } from './pool-target.ts';

/** The file is made or extended to `wantedBytes`, for good, unless it has as much. */
export async function extendLoopFile(path: string, wantedBytes: Bytes): Promise<void> {
  await withErrno(`make ${dirname(path)}`, () => mkdir(dirname(path), { recursive: true, mode: 0o700 }));
  await withErrno(`extend ${path}`, async () => {
    const handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    try {
      const { size } = await handle.stat();
      if (size >= wantedBytes) return;
      await handle.truncate(wantedBytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await syncFolder(dirname(path));
  });
}

/**
 * Gives the file all the blocks that it may ever write. With metadata in a sparse file, a full host file system would fail a
 * commit of the pool, and then nothing could be removed any more. What is in it stays as it is, also while it is in use.
 */
export async function allocateLoopFile(path: string, sizeBytes: Bytes): Promise<void> {
  if ((await unallocatedBytes(path)) === 0) return;
  // Where that fails, the pool works as far as it did.
  await allocate(path, sizeBytes);
}

/** What the file may still take of the file system that it is on. */
export function unallocatedBytes(path: string): Promise<Bytes> {
  return withErrno(`look at ${path}`, async () => unallocated(await stat(path)));
}

/** A new file is there after a power loss only once its folder is on disk. */
async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A loop device on the file, of its present size. Fault `device-missing` when there is no such file. */
export async function attachLoopFile(path: string, note: NoteUndo): Promise<Part> {
  const sizeBytes = await fileBytes(path);
  const before = await findLoops(path);
  const device = await attachLoop(path, { directIo: true });
  if (!before.includes(device)) note(`loop device ${device}`, () => detachLoop(device));
  return { path: device, sizeBytes };
}

export async function detachLoopFile(path: string): Promise<void> {
  const there = await access(path).then(
    () => true,
    () => false,
  );
  // losetup finds a file's devices by its inode, so those of a file that is gone are nobody's to find.
  if (!there) return;
  for (const device of await findLoops(path)) await detachLoop(device);
}

async function fileBytes(path: string): Promise<Bytes> {
  try {
    const handle = await open(path, 'r');
    try {
      return parseBytes((await handle.stat()).size);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    throw new FaultError('device-missing', `Cannot bring the pool back: there is no file ${path}`, { cause: error });
  }
}
