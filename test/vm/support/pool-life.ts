// The life of a pool that `thinsnap pool create` makes, whatever it is made of: used by a real daemon, extended while something
// writes, brought back by the daemon after an unclean stop, taken away and brought back by hand, removed; the disks as before.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as assert from 'uvu/assert';
import { MIB } from '../../../src/shared/units.ts';
import { type Outcome, run } from '../../main/cli/support.ts';
import { type Daemon, makeDaemon } from '../../support/daemon.ts';
import { withMounted } from '../../support/mounting.ts';
import { sayHello } from './container.ts';
import { shell } from './shell.ts';

const DISKS = ['/dev/vda', '/dev/vdb'] as const;
const LOAD_LIMIT_MS = 120_000;

export interface Place {
  /** Of the test's own. */
  readonly root: string;
  readonly directory: string;
  /** `thinsnap pool COMMAND WORDS`, in this process. */
  readonly pool: (command: string, ...words: readonly string[]) => Promise<Outcome>;
}

export async function withPlace(action: (place: Place) => Promise<void>): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'thinsnap-test-'));
  const directory = join(root, 'pools');
  const pool: Place['pool'] = (command, ...words) => run('pool', command, '--pool-directory', directory, ...words);
  try {
    await action({ root, directory, pool });
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** As `pool`, and it must succeed; answers what it prints. */
export async function done(outcome: Promise<Outcome>): Promise<string> {
  const { status, out, error } = await outcome;
  assert.is(status, 0, `${error}${out}`);
  return out;
}

export interface Life {
  readonly name: string;
  readonly create: readonly string[];
  /** Called before the extension. */
  readonly grow: () => Promise<void>;
  /** What `pool extend` is given. */
  readonly extend: readonly string[];
}

export async function live(place: Place, life: Life): Promise<void> {
  const { pool } = place;
  assert.match(await done(pool('create', ...life.create)), new RegExp(`pool_name = "${life.name}"`));
  const daemon = await makeDaemon({
    config: {
      pool_name: life.name,
      pool_directory: place.directory,
      base_image_size: '64MB',
      min_free_space: '1%',
      standby_per_parent: 0,
      workers: 2,
    },
  });
  try {
    await use(place, { life, daemon });
    await bringBack(place, { life, daemon });
  } finally {
    await daemon.remove();
  }
  await done(pool('remove', '--yes', life.name));
  assert.is((await pool('show', life.name)).status, 4);
}

interface Users {
  readonly life: Life;
  readonly daemon: Daemon;
}

/** Mounted and written to while the pool grows; nobody takes it away meanwhile. */
async function use({ root, pool }: Place, { life, daemon }: Users): Promise<void> {
  await daemon.start();
  const mounts = await daemon.client.prepare('used');
  await withMounted(root, mounts, async (dir) => {
    await writeFile(join(dir, 'kept'), 'what a container wrote');
    const load = promisify(execFile)(
      'sh',
      [
        '-ec',
        'for i in 1 2 3 4 5 6; do dd if=/dev/urandom of="$1/load" bs=1M count=8 conv=fsync status=none; done',
        'sh',
        dir,
      ],
      { timeout: LOAD_LIMIT_MS },
    );
    await life.grow();
    const extended = await pool('extend', life.name, ...life.extend);
    await load;
    assert.is(extended.status, 0, extended.error);
    const [, before = '', after = ''] = /data +(\S+) -> (\S+)/.exec(extended.out) ?? [];
    assert.is.not(before, after);
    for (const command of ['remove', 'deactivate']) {
      const refused = await pool(command, life.name, ...(command === 'remove' ? ['--yes'] : []));
      assert.is(refused.status, 1);
      assert.match(refused.error, new RegExp(`process ${daemon.pid} has it`));
    }
    assert.match(await done(pool('check', life.name)), /is sound/);
  });
}

/** After an unclean stop the daemon brings it back itself, and checks it first; a container starts; then the same by hand. */
async function bringBack({ root, pool }: Place, { life, daemon }: Users): Promise<void> {
  await daemon.kill();
  const device = (await shell('dmsetup', 'ls', '--target', 'thin')).split(/\s/)[0] ?? '';
  const busy = await pool('deactivate', life.name);
  assert.is(busy.status, 1);
  assert.match(busy.error, /Devices are on it/);
  await shell('dmsetup', 'remove', device);
  await done(pool('deactivate', life.name));
  await assertGone(life.name);
  assert.match(await done(pool('list')), /inactive/);
  assert.match(await done(pool('check', life.name)), /is sound/);
  await daemon.start();
  assert.match(daemon.log, /"check":"sound","msg":"pool activated"/);
  const mounts = await daemon.client.mounts('used');
  await withMounted(root, mounts, async (dir) => {
    assert.is(await readFile(join(dir, 'kept'), 'utf8'), 'what a container wrote');
  });
  await daemon.client.remove('used');
  // Not before that: containerd's collector removes what containerd does not know.
  await sayHello(daemon.address);
  await daemon.client.cleanup();
  await daemon.stop();
  await done(pool('deactivate', life.name));
  await done(pool('activate', life.name));
}

async function assertGone(name: string): Promise<void> {
  const devices = await shell('dmsetup', 'info', '-c', '--noheadings', '-o', 'name');
  assert.not(devices.split('\n').includes(name));
}

/** The first and the last MiB of each disk, what wipefs sees there, and every dm and loop device. */
export async function machineState(): Promise<string> {
  const parts: string[] = [];
  for (const disk of DISKS) {
    const handle = await open(disk, 'r');
    try {
      const bytes = Number(await shell('blockdev', '--getsize64', disk));
      for (const position of [0, bytes - MIB]) {
        const { buffer } = await handle.read(Buffer.alloc(MIB), 0, MIB, position);
        parts.push(`${disk} at ${position}: ${createHash('sha256').update(buffer).digest('hex')}`);
      }
    } finally {
      await handle.close();
    }
    parts.push(await shell('wipefs', '--no-act', disk));
  }
  parts.push(await shell('dmsetup', 'info', '-c', '--noheadings', '-o', 'name'));
  parts.push(await shell('losetup', '--list', '--noheadings'));
  return parts.join('\n');
}

/** A disk's pages that are in memory may be older than what another device wrote below them. */
export async function dropCaches(): Promise<void> {
  for (const disk of DISKS) await shell('blockdev', '--flushbufs', disk);
}
