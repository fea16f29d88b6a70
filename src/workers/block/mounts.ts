// Where a block device is mounted, in whichever mount namespace: containers have their own, and so may this daemon.
// A path found here can go away or be covered at any moment; only an open handle on it is sure.

import { constants } from 'node:fs';
import { type FileHandle, open, readdir, readFile, readlink } from 'node:fs/promises';
import { errnoOf } from '../errno.ts';
import { deviceNumber, toDeviceNumber } from './device.ts';

/**
 * A handle on the root of a mount of `device`, or null when none can be reached. While it is open the mount cannot go
 * away: umount answers EBUSY, and a lazy one leaves it alive.
 */
export async function openMountOf(device: string): Promise<FileHandle | null> {
  const number = await deviceNumber(device);
  for await (const mountpoint of mountpointsOf(device)) {
    const handle = await openDirectory(mountpoint);
    if (handle === null) continue;
    const status = await readOrNull(handle.stat({ bigint: true }));
    // Another mount may cover the path.
    if (status !== null && toDeviceNumber(status.dev) === number) return handle;
    await handle.close();
  }
  return null;
}

/**
 * Paths, usable from here, at which `device` is mounted; our own namespace first. As long as there are processes
 * (kernel.pid_max) and mounts in their namespaces (fs.mount-max), and no longer than the caller goes on.
 */
export async function* mountpointsOf(device: string): AsyncGenerator<string, void> {
  const number = await deviceNumber(device);
  const seen = new Set<string>();
  for (const process of await processes()) {
    const view = await viewOf(process);
    if (view === null || seen.has(view)) continue;
    seen.add(view);
    const table = await readOrNull(readFile(`/proc/${process}/mountinfo`, 'latin1'));
    for (const mountpoint of parseMountinfo(table ?? '', number)) yield `/proc/${process}/root${mountpoint}`;
  }
}

/** The mount points of one device: `36 35 98:0 /mnt1 /mnt2 rw,noatime ... - ext4 /dev/root rw` (proc_pid_mountinfo(5)). */
export function parseMountinfo(table: string, number: string): readonly string[] {
  return table
    .split('\n')
    .map((line) => line.split(' '))
    .filter((fields) => fields[2] === number)
    .map((fields) => toPath(fields[4] ?? ''));
}

/** Blanks, tabs, newlines, backslashes come as octal; the bytes of a name were read one by one. */
function toPath(field: string): string {
  const bytes = field.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

async function processes(): Promise<readonly string[]> {
  const entries = await readdir('/proc');
  return ['self', ...entries.filter((entry) => /^\d+$/.test(entry))];
}

/** What decides the mounts that a process sees: its namespace, and its root within that. Null when it has ended. */
async function viewOf(process: string): Promise<string | null> {
  const namespace = await readOrNull(readlink(`/proc/${process}/ns/mnt`));
  const root = await readOrNull(readlink(`/proc/${process}/root`));
  return namespace === null || root === null ? null : `${namespace} ${root}`;
}

async function openDirectory(path: string): Promise<FileHandle | null> {
  return readOrNull(open(path, constants.O_RDONLY | constants.O_DIRECTORY));
}

/** Processes end and mounts go while they are looked at: each errno means that there is nothing to see. */
async function readOrNull<Value>(reading: Promise<Value>): Promise<Value | null> {
  try {
    return await reading;
  } catch (error) {
    if (errnoOf(error) !== null) return null;
    throw error;
  }
}
