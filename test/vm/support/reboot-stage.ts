// What runs in the virtual machine at each boot of test/e2e/reboots.test.ts: three pools, one of each kind, on two disks that stay.
//
//   node reboot-stage.js make               partitions, pools, a daemon on each, a file in a snapshot; then a clean stop
//   node reboot-stage.js look KEY           the daemons alone: pools back, the file is there, a new Prepare works, a container
//                                           starts; a clean stop
//   node reboot-stage.js look KEY crash     the same without a container, and the machine ends in the middle, right after an fsync

import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { MIB, SECTOR_BYTES } from '../../../src/shared/units.ts';
import { run } from '../../main/cli/support.ts';
import { type ConfigTable, Daemon, writeConfig } from '../../support/daemon.ts';
import { mountAt, withMounted } from '../../support/mounting.ts';
import { sayHello } from './container.ts';
import { shell } from './shell.ts';

const DISK = '/mnt/disk';
const POOLS = join(DISK, 'pools');
const KINDS = [
  {
    pool: 'thinsnap-files',
    create: ['--name', 'thinsnap-files', '--loop', join(DISK, 'files'), '--data-size', '1GiB'],
  },
  {
    pool: 'thinsnap-raw',
    create: ['--name', 'thinsnap-raw', '--data-device', '/dev/vda2', '--metadata-device', '/dev/vdb1'],
  },
  { pool: 'thinsnap-lvm', create: ['--vg', 'thinsnap', '--name', 'lvm', '--device', '/dev/vda3'] },
] as const;
type Kind = (typeof KINDS)[number];

const CONFIG: ConfigTable = { base_image_size: '64MB', workers: 2, standby_per_parent: 0, device_wait: 10 };

/** As it was left by an earlier boot. */
function daemonOf({ pool }: Kind): Daemon {
  const root = join(DISK, pool);
  return new Daemon(root, join(root, 'thinsnap.sock'), {});
}

async function makeAll(): Promise<void> {
  await partition('/dev/vda', [4096, 4096, 4096]);
  await partition('/dev/vdb', [64]);
  await shell('mkfs.ext4', '-q', '/dev/vda1');
  await mountDisk();
  for (const { pool, create } of KINDS) {
    const { status, error } = await run('pool', 'create', '--pool-directory', POOLS, ...create);
    assert.is(status, 0, error);
    const root = join(DISK, pool);
    await mkdir(root);
    const config = { root_path: join(root, 'state'), address: join(root, 'thinsnap.sock'), pool_name: pool, ...CONFIG };
    await writeConfig(root, { ...config, pool_directory: POOLS });
  }
}

/** A DOS partition table, which needs no tool: 16 bytes for each, from offset 446 on, and a signature. */
async function partition(disk: string, sizesMib: readonly number[]): Promise<void> {
  const table = Buffer.alloc(512);
  let startMib = 1;
  for (const [index, mib] of sizesMib.entries()) {
    const offset = 446 + index * 16;
    table.writeUInt8(0x83, offset + 4);
    table.writeUInt32LE((startMib * MIB) / SECTOR_BYTES, offset + 8);
    table.writeUInt32LE((mib * MIB) / SECTOR_BYTES, offset + 12);
    startMib += mib;
  }
  table.writeUInt16BE(0x55aa, 510);
  const handle = await open(disk, 'r+');
  try {
    await handle.write(table, 0, table.length, 0);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await shell('blockdev', '--rereadpt', disk);
}

async function mountDisk(): Promise<void> {
  await mkdir(DISK, { recursive: true });
  await shell('mount', '/dev/vda1', DISK);
}

/** A snapshot with a file of its own name, which stays mounted where the machine is to crash. */
async function fill(daemon: Daemon, key: string, then: 'unmount' | 'stay'): Promise<void> {
  const mounts = await daemon.client.prepare(key);
  if (then === 'unmount') return withMounted('/mnt', mounts, (dir) => writeDurably(join(dir, 'kept'), key));
  const dir = join('/mnt', `${daemon.root.replaceAll('/', '-')}-${key}`);
  await mkdir(dir);
  await mountAt(dir, mounts);
  return writeDurably(join(dir, 'kept'), key);
}

async function writeDurably(path: string, text: string): Promise<void> {
  const handle = await open(path, 'w');
  try {
    await handle.write(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function look(kind: Kind, daemon: Daemon, key: string): Promise<void> {
  const mounts = await daemon.client.mounts(key);
  await withMounted('/mnt', mounts, async (dir) => assert.is(await readFile(join(dir, 'kept'), 'utf8'), key));
  assert.match(daemon.log, /"msg":"pool activated"/);
  process.stdout.write(`${kind.pool} has ${key}\n`);
}

async function main([stage = '', key = '', end = '']: readonly string[]): Promise<void> {
  await (stage === 'make' ? makeAll() : mountDisk());
  const daemons = KINDS.map((kind) => ({ kind, daemon: daemonOf(kind) }));
  for (const { kind, daemon } of daemons) {
    await daemon.start();
    if (stage === 'make') await fill(daemon, 'first', 'unmount');
    else {
      await look(kind, daemon, key);
      await fill(daemon, `second-of-${key}`, end === 'crash' ? 'stay' : 'unmount');
    }
    if (end === 'crash') continue;
    if (stage === 'look') await sayHello(daemon.address);
    await daemon.stop();
  }
  // Without a sync, and with the daemons at work: what is not on the disks is lost.
  // A panic: neither machine comes up again by itself then.
  if (end === 'crash') await writeFile('/proc/sysrq-trigger', 'c');
  await shell('umount', DISK).catch(() => '');
}

await main(process.argv.slice(2));
