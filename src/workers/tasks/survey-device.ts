// Looks at a block device without changing anything: what it holds, who uses it, by which name it is found again.

import { readdir, readFile, realpath } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as v from 'valibot';
import { FaultError } from '../../shared/faults.ts';
import type { DeviceSurvey } from '../../shared/pool-steps.ts';
import type { TaskArgs } from '../../shared/tasks.ts';
import { deviceNumber, storageBytes } from '../block/device.ts';
import { isClaimed } from '../block/loop.ts';
import { mountpointsOf } from '../block/mounts.ts';
import { errnoOf, withErrno } from '../errno.ts';
import { runTool } from '../exec.ts';
import { groupOfDevice } from '../pools/lvm.ts';

const WIPEFS_TIMEOUT_MS = 60_000;
/** Those that stay with the device come first. */
const STABLE_FOLDERS = ['/dev/disk/by-id', '/dev/disk/by-partuuid'] as const;
const MOUNTS_SHOWN_MAX = 3;

const SIGNATURES = v.object({ signatures: v.array(v.object({ type: v.string(), offset: v.string() })) });

export async function surveyDevice({ path }: TaskArgs<'surveyDevice'>): Promise<DeviceSurvey> {
  const number = await numberOf(path);
  return withErrno(`look at ${path}`, async () => {
    const folder = await realpath(`/sys/dev/block/${number}`);
    const partitions = await partitionsIn(folder);
    const signatures = await signaturesOf(path);
    return {
      path,
      stablePath: await stablePathOf(path),
      number,
      sizeBytes: await storageBytes(path),
      inUse: await usersOf({ path, folder, partitions, isLvm: signatures.some(({ type }) => type === 'LVM2_member') }),
      holds: [
        ...signatures.map(({ type, offset }) => `a signature of ${type} at ${offset}`),
        ...partitions.map((name) => `partition ${name}`),
      ],
    };
  });
}

async function numberOf(path: string): Promise<string> {
  try {
    return await deviceNumber(path);
  } catch (error) {
    if (errnoOf(error) === null) throw error;
    throw new FaultError(
      'device-missing',
      `Cannot use ${path}: ${errnoOf(error) === 'ENOENT' ? 'there is no such device' : errnoOf(error)}`,
    );
  }
}

interface Looked {
  readonly path: string;
  readonly folder: string;
  readonly partitions: readonly string[];
  readonly isLvm: boolean;
}

async function usersOf({ path, folder, partitions, isLvm }: Looked): Promise<readonly string[]> {
  const users: string[] = [];
  if ((await readFile(join(folder, 'ro'), 'utf8')).trim() === '1') users.push('it is read-only');
  const parts = [
    { device: path, folder },
    ...partitions.map((name) => ({ device: `/dev/${name}`, folder: join(folder, name) })),
  ];
  const swaps = await swapNumbers();
  for (const { device, folder: own } of parts) {
    const what = device === path ? 'it is' : `${device} is`;
    for (const holder of await readdir(join(own, 'holders'))) users.push(`${what} held by ${holder}`);
    const mounts = await mountsOf(device);
    if (mounts.length > 0) users.push(`${what} mounted at ${mounts.join(', ')}`);
    if (swaps.has(await deviceNumber(device))) users.push(`${what} used as swap`);
  }
  const group = isLvm ? await groupOfDevice(path) : null;
  if (group !== null) users.push(`it belongs to LVM's volume group ${group}`);
  // The kernel's own word, for whatever else there is.
  if (users.length === 0 && (await isClaimed(path))) users.push('it is in use');
  return users;
}

async function mountsOf(device: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const mountpoint of mountpointsOf(device)) {
    found.push(mountpoint.replace(/^\/proc\/self\/root/, ''));
    if (found.length === MOUNTS_SHOWN_MAX) break;
  }
  return found;
}

/** A partition's folder is inside its disk's and has a file `partition`. */
async function partitionsIn(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder);
  const isPartition = async (name: string): Promise<boolean> =>
    (await readFile(join(folder, name, 'partition'), 'utf8').catch(() => '')) !== '';
  const flags = await Promise.all(names.map(isPartition));
  return names.filter((_, index) => flags[index] === true).sort();
}

/** "Filename Type Size Used Priority", the first a path (proc_swaps(5)). */
async function swapNumbers(): Promise<ReadonlySet<string>> {
  const lines = (await readFile('/proc/swaps', 'utf8').catch(() => '')).split('\n').slice(1);
  const paths = lines.map((line) => line.split(/\s/)[0] ?? '').filter((swap) => swap.startsWith('/dev/'));
  const numbers = await Promise.all(paths.map((swap) => deviceNumber(swap).catch(() => '')));
  return new Set(numbers);
}

async function signaturesOf(path: string): Promise<readonly { type: string; offset: string }[]> {
  const { stdout } = await runTool('wipefs', ['--no-act', '--json', path], { timeoutMs: WIPEFS_TIMEOUT_MS });
  // Older ones print nothing where there is nothing.
  return stdout.trim() === '' ? [] : v.parse(SIGNATURES, JSON.parse(stdout)).signatures;
}

async function stablePathOf(path: string): Promise<string> {
  const device = basename(await realpath(path));
  for (const folder of STABLE_FOLDERS) {
    const links = (await readdir(folder).catch(() => [])).sort();
    for (const link of links) {
      const target = await realpath(join(folder, link)).catch(() => '');
      if (basename(target) === device && /^[A-Za-z0-9_./:=,+@%-]+$/.test(link)) return join(folder, link);
    }
  }
  return path;
}
