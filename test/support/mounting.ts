// Mounts what the daemon answered, as containerd does: by mount(8), as root, in a directory of the test's own.

import { execFile } from 'node:child_process';
import { mkdtemp, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Mount } from '../../src/main/volumes/volumes.ts';
import { until } from './until.ts';

/** mount(8) of a file system whose log must be replayed, on a slow machine. */
const MOUNT_LIMIT_MS = 60_000;
const CHECK_LIMIT_MS = 120_000;
/** As containerd does: a daemon that was killed has its connections closed before all its files. */
const BUSY_LIMIT_MS = 2500;

const run = promisify(execFile);

/** Mounts `mounts` under `root` while `action` runs; unmounts whatever happens. */
export async function withMounted<T>(
  root: string,
  mounts: readonly Mount[],
  action: (dir: string) => Promise<T>,
): Promise<T> {
  const dir = await mkdtemp(join(root, 'mnt-'));
  await mountAt(dir, mounts);
  try {
    return await action(dir);
  } finally {
    await unmount(dir);
    await rmdir(dir);
  }
}

/** Mounts them until somebody unmounts. */
export async function mountAt(dir: string, mounts: readonly Mount[]): Promise<void> {
  const [mount, ...others] = mounts;
  if (mount === undefined || others.length > 0)
    throw new Error(`There are ${mounts.length} mounts, where a test needs one`);
  const options = mount.options.length > 0 ? ['-o', mount.options.join(',')] : [];
  await run('mount', ['-t', mount.type, ...options, mount.source, dir], { timeout: MOUNT_LIMIT_MS });
}

async function unmount(dir: string): Promise<void> {
  const attempt = async () => {
    try {
      await run('umount', [dir], { timeout: MOUNT_LIMIT_MS });
      return true;
    } catch (error) {
      if (String(error).includes('target is busy')) return null;
      throw error;
    }
  };
  await until(BUSY_LIMIT_MS, attempt, () => `${dir} is busy`);
}

/** Throws what e2fsck or xfs_repair finds wrong with it, while nothing has it mounted. */
export async function checkFileSystem([mount]: readonly Mount[]): Promise<void> {
  if (mount === undefined) throw new Error('There is no mount to check');
  // What they find they write to standard output, which the message of a command that failed leaves out.
  const check = `${mount.type === 'xfs' ? 'xfs_repair -n' : 'e2fsck -fn'} "$0" >&2`;
  await run('sh', ['-c', check, mount.source], { timeout: CHECK_LIMIT_MS });
}

/** Has the kernel write out what the file system at `dir` still holds in memory. */
export async function syncFileSystem(dir: string): Promise<void> {
  await run('sync', ['-f', dir], { timeout: MOUNT_LIMIT_MS });
}
