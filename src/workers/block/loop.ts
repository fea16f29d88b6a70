// Loop devices: which ones have a file, and making them. Most are made by whoever mounts a snapshot (`mount -o loop`), not
// by the daemon, so losetup is asked each time: it compares inodes, which holds across mount namespaces and names.

import { type BigIntStats, constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { FaultError } from '../../shared/faults.ts';
import { errnoOf, withErrno } from '../errno.ts';
import { runTool, ToolError } from '../exec.ts';
import { toDeviceNumber } from './device.ts';

const LOSETUP_TIMEOUT_MS = 30_000;
/** A page. */
const PROBE_BYTES = 4096;
const FLUSH_TIMEOUT_MS = 120_000;
/** Some 40 bytes for each loop device: more of them than a kernel has minor numbers for. */
const LIST_MAX_BYTES = 64 * 1024 * 1024;
const DEVICE = /^\/dev\/loop\d+$/;

/** The loop devices that have `file`. None when there is no such file. */
export async function findLoops(file: string): Promise<readonly string[]> {
  const { stdout } = await runTool(
    'losetup',
    ['--list', '--noheadings', '--raw', '--output', 'NAME', '--associated', file],
    { timeoutMs: LOSETUP_TIMEOUT_MS },
  );
  return stdout.split('\n').filter(Boolean).map(parseDevice);
}

/**
 * All loop devices, by what `inodeKey` answers for their files: one run of losetup, however many files are looked up. One
 * whose file may not be seen, for lack of rights, is under no file's key.
 */
export async function listLoops(): Promise<ReadonlyMap<string, readonly string[]>> {
  const { stdout } = await runTool(
    'losetup',
    ['--list', '--noheadings', '--raw', '--output', 'NAME,BACK-MAJ:MIN,BACK-INO'],
    { timeoutMs: LOSETUP_TIMEOUT_MS, wholeMaxBytes: LIST_MAX_BYTES },
  );
  const loops = new Map<string, string[]>();
  // The numbers are padded with blanks, which a raw column has as \x20: "/dev/loop0 \x20\x20254:0\x20\x20 2525404".
  for (const line of stdout.replaceAll('\\x20', '').split('\n').filter(Boolean)) {
    const [name = '', device = '', inode = ''] = line.split(' ');
    const key = `${device} ${inode}`;
    const devices = loops.get(key) ?? [];
    loops.set(key, devices);
    devices.push(parseDevice(name));
  }
  return loops;
}

/** What makes a file that file, whatever its names. */
export function inodeKey({ dev, ino }: BigIntStats): string {
  return `${toDeviceNumber(dev)} ${ino}`;
}

/**
 * A loop device that has `file` and its present size: the one there is, or a new one. Direct I/O is asked for, and done
 * without where the file system under the file does not take it.
 */
export async function attachLoop(file: string, { directIo }: { readonly directIo: boolean }): Promise<string> {
  const { stdout } = await runTool('losetup', ['--find', '--show', '--nooverlap', '--', file], {
    timeoutMs: LOSETUP_TIMEOUT_MS,
  });
  const device = parseDevice(stdout.trimEnd());
  await runTool('losetup', ['--set-capacity', device], { timeoutMs: LOSETUP_TIMEOUT_MS });
  if (directIo) await askForDirectIo(device);
  return device;
}

/** Lets the file go: at once, or when the last one that has the device open closes it. Nothing to do when it is gone. */
export async function detachLoop(device: string): Promise<void> {
  try {
    await runTool('losetup', ['--detach', device], { timeoutMs: LOSETUP_TIMEOUT_MS });
  } catch (error) {
    // ENXIO: no file is attached.
    if (!(error instanceof ToolError && error.stderr.includes('No such device or address'))) throw error;
  }
}

/** Brings what the device, or a file system on it, holds in memory down to its file. */
export async function flushDevice(device: string): Promise<void> {
  await runTool('blockdev', ['--flushbufs', device], { timeoutMs: FLUSH_TIMEOUT_MS });
}

/** Whether a mount or another driver holds the device for itself: O_EXCL on a block device answers EBUSY then (open(2)). */
export async function isClaimed(device: string): Promise<boolean> {
  return withErrno(`look at ${device}`, async () => {
    try {
      const handle = await open(device, constants.O_RDONLY | constants.O_EXCL);
      await handle.close();
      return false;
    } catch (error) {
      if (errnoOf(error) === 'EBUSY') return true;
      // The loop was let go meanwhile.
      if (errnoOf(error) === 'ENXIO' || errnoOf(error) === 'ENOENT') return false;
      throw error;
    }
  });
}

async function askForDirectIo(device: string): Promise<void> {
  try {
    await runTool('losetup', ['--direct-io=on', device], { timeoutMs: LOSETUP_TIMEOUT_MS });
  } catch (error) {
    if (!(error instanceof ToolError && error.exitCode !== null)) throw error;
    return;
  }
  // An overlay over tmpfs takes it, and then fails every read (seen, Linux 6.1).
  if (!(await canRead(device))) {
    await runTool('losetup', ['--direct-io=off', device], { timeoutMs: LOSETUP_TIMEOUT_MS });
  }
}

async function canRead(device: string): Promise<boolean> {
  return withErrno(`read ${device}`, async () => {
    const handle = await open(device, 'r');
    try {
      await handle.read(Buffer.alloc(PROBE_BYTES), 0, PROBE_BYTES, 0);
      return true;
    } catch (error) {
      if (errnoOf(error) === 'EIO') return false;
      throw error;
    } finally {
      await handle.close();
    }
  });
}

function parseDevice(line: string): string {
  if (!DEVICE.test(line)) throw new FaultError('io', `Cannot read what losetup answered: "${line}"`);
  return line;
}
