// The disks of the guest, made anew for each side: a thin pool over what was discarded, and beside it a real file system
// on the same disk for the side's own records, so that an fsync costs both the same and is not one of memory.

import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { promisify } from 'node:util';

const DATA_DISK = '/dev/vda';
const METADATA_DISK = '/dev/vdb';
const STATE_MIB = 2048;
const SECTORS_PER_MIB = 2048;
const POOL_BLOCK_SECTORS = 128;
const PREFIX = 'thinsnap-bench';
const STATE = `${PREFIX}-state`;
const DATA = `${PREFIX}-data`;
const COMMAND_LIMIT_MS = 120_000;
const CLEAR_PASSES_MAX = 20;

export const POOL = `${PREFIX}-pool`;
/** On the disk; the sides keep their records and sockets under it. */
export const STATE_DIR = '/run/thinsnap-bench/state';

const run = promisify(execFile);

export async function tool(command: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run(command, args, { timeout: COMMAND_LIMIT_MS });
  return stdout.trim();
}

/** Runs `action` on bare disks with a new pool, and takes everything away again. */
export async function withStage<Answer>(action: () => Promise<Answer>): Promise<Answer> {
  await clear();
  await tool('blkdiscard', '-f', DATA_DISK);
  await tool('blkdiscard', '-f', METADATA_DISK);
  const sectors = Number(await tool('blockdev', '--getsz', DATA_DISK));
  const stateSectors = STATE_MIB * SECTORS_PER_MIB;
  await create(STATE, `0 ${stateSectors} linear ${DATA_DISK} 0`);
  await create(DATA, `0 ${sectors - stateSectors} linear ${DATA_DISK} ${stateSectors}`);
  const pool = `thin-pool ${METADATA_DISK} /dev/mapper/${DATA} ${POOL_BLOCK_SECTORS} 0`;
  await create(POOL, `0 ${sectors - stateSectors} ${pool}`);
  await tool('mkfs.ext4', '-q', `/dev/mapper/${STATE}`);
  await mkdir(STATE_DIR, { recursive: true });
  await tool('mount', `/dev/mapper/${STATE}`, STATE_DIR);
  try {
    return await action();
  } finally {
    await tool('umount', STATE_DIR);
    await clear();
  }
}

/** The thin ids that the pool holds, by its own metadata. */
export async function thinIds(): Promise<number> {
  await tool('dmsetup', 'message', POOL, '0', 'reserve_metadata_snap');
  try {
    const ids = await tool('thin_ls', '--metadata-snap', '--no-headers', '--format', 'DEV', METADATA_DISK);
    return ids === '' ? 0 : ids.split('\n').length;
  } finally {
    await tool('dmsetup', 'message', POOL, '0', 'release_metadata_snap');
  }
}

async function create(name: string, table: string): Promise<void> {
  await tool('dmsetup', 'create', name, '--table', table);
}

async function clear(): Promise<void> {
  for (let pass = 0; pass < CLEAR_PASSES_MAX; pass += 1) {
    const names = (await tool('dmsetup', 'info', '-c', '--noheadings', '-o', 'name'))
      .split('\n')
      .filter((name) => name.startsWith(PREFIX));
    if (names.length === 0) return;
    // Those that others still stand on go in a later pass.
    for (const name of names) await tool('dmsetup', 'remove', name).catch(() => '');
  }
  throw new Error('Cannot clear the disks: devices are left that cannot be removed');
}
