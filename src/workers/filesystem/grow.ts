// Lets a file system fill a device that became larger. It must not be mounted.
//
// ext4: resize2fs leaves the new inode tables to the kernel's lazyinit thread, which writes zeroes over them after the first
// mount (seen: 731 of 1016 new groups within 20 s). A thin device would map all of that: mount with `noinit_itable`.

import { stat } from 'node:fs/promises';
import type { FsType } from '../../shared/tasks.ts';
import { withErrno } from '../errno.ts';
import { runTool, ToolError } from '../exec.ts';
import { hasLostAndFound, removeLostAndFound } from './lost-and-found.ts';
import { growUnmountedXfs } from './private-mount.ts';

const CHECK_TIMEOUT_MS = 300_000;
const GROW_TIMEOUT_MS = 120_000;
/** e2fsck(8): 1 is "errors corrected"; 2, "corrected, reboot", concerns a mounted root only. */
const ERRORS_CORRECTED = 1;

export async function growFileSystem(path: string, fsType: FsType): Promise<void> {
  if (fsType === 'xfs') {
    const status = await withErrno(`grow ${path}`, () => stat(path));
    await growUnmountedXfs(path, { isFile: status.isFile() });
    return;
  }
  const hadLostAndFound = await hasLostAndFound(path);
  await checkExt(path);
  await runTool('resize2fs', ['--', path], { timeoutMs: GROW_TIMEOUT_MS });
  if (!hadLostAndFound) await removeLostAndFound(path);
}

/** Replays the journal that a copy of a file system in use brings along; resize2fs wants a check right before it. */
async function checkExt(path: string): Promise<void> {
  try {
    await runTool('e2fsck', ['-f', '-p', '--', path], { timeoutMs: CHECK_TIMEOUT_MS });
  } catch (error) {
    if (!(error instanceof ToolError && error.exitCode === ERRORS_CORRECTED)) throw error;
  }
}
