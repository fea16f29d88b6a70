// A mounted xfs on a pool without space, as the kernel has it: by itself it tries to write its metadata for ever, and whoever suspends
// its device waits; with the limit that the daemon sets it gives up, and they go on with an error.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isCode } from '../../src/main/durable-file.ts';
import type { Mount } from '../../src/main/volumes/volumes.ts';
import { basesAreLeft, removeAll } from '../support/clearing.ts';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { checkFileSystem, withMounted } from '../support/mounting.ts';
import { until } from '../support/until.ts';
import { withTimeout } from '../support/with-timeout.ts';
import { thinPoolConfig } from './support/daemon.ts';
import { makePool, POOL, removePool } from './support/pool.ts';
import { untilMode } from './support/pool-line.ts';
import { shell } from './support/shell.ts';

const SIZE = { metadataMib: 4, dataMib: 192 };
const BLOCK_BYTES = 4096;
/** Each has inodes of its own to be written. */
const DIRECTORIES = 40;
/** The daemon looks every 2 s. */
const SEEN_LIMIT_MS = 20_000;
const GIVEN_UP_LIMIT_MS = 30_000;
/** Far more than one takes to give up, and far less than for ever. */
const STUCK_MS = 5_000;
const FOR_EVER = '-1';

const tests = suite('xfs on a full pool');
let daemon: Daemon;

// A test, for uvu says nothing of what a hook throws.
tests('the daemon starts', async () => {
  await makePool(SIZE);
  const config = { ...thinPoolConfig('ioctl'), pool_name: POOL, fs_type: 'xfs', standby_per_parent: 0 };
  daemon = await startDaemon({ config: { ...config, xfs_nospace_max_retries: 0 } });
  const { client } = daemon;
  await client.prepare('first');
  await client.commit('layer', 'first');
});
tests.after(async () => {
  await daemon.remove();
  await removePool(SIZE);
});

/** Its log is the snapshot's own: a log that cannot be written shuts xfs down, whatever the limit is. */
async function ownLog({ source }: Mount): Promise<void> {
  const fields = ['logstart', 'logblocks', 'agblklog', 'agblocks'];
  const said = await shell('xfs_db', '-r', '-c', 'sb 0', '-c', `p ${fields.join(' ')}`, source);
  const [start = 0, blocks = 0, shift = 0, perGroup = 0] = fields.map((field) =>
    Number(new RegExp(`^${field} = (\\d+)$`, 'm').exec(said)?.[1]),
  );
  // The group's number and the block's within it, in one (xfs_db(8), fsblock).
  const block = (start >> shift) * perGroup + (start & ((1 << shift) - 1));
  const place = [`bs=${BLOCK_BYTES}`, `skip=${block}`, `seek=${block}`, `count=${blocks}`];
  await shell('dd', `if=${source}`, `of=${source}`, ...place, 'conv=notrunc,fsync', 'status=none');
}

/** All of the pool, and then metadata that have no place there. */
async function fill(dir: string): Promise<void> {
  const writer = spawn('dd', ['if=/dev/zero', `of=${join(dir, 'big')}`, 'bs=1M', 'oflag=direct'], { stdio: 'ignore' });
  const [status] = await once(writer, 'exit');
  assert.is(status, 1, 'dd has written all it could');
  await untilMode('out_of_data_space', SEEN_LIMIT_MS);
  for (let made = 0; made < DIRECTORIES; made += 1) await mkdir(join(dir, String(made)));
}

async function limitSetOn(mount: Mount): Promise<string> {
  const minor = await shell('dmsetup', 'info', '-c', '--noheadings', '-o', 'minor', basename(mount.source));
  const limit = `/sys/fs/xfs/dm-${minor}/error/metadata/ENOSPC/max_retries`;
  const isSet = async (): Promise<true | null> => ((await readFile(limit, 'utf8')).trim() === '0' ? true : null);
  await until(SEEN_LIMIT_MS, isSet, () => `${limit} was not set`);
  return limit;
}

/** The device of an xfs that has filled the pool is suspended, as for a snapshot of it. `triesForEver`: first by the kernel's own limit, which is none. */
async function freezeWhenFull(key: string, triesForEver: boolean): Promise<void> {
  const mounts = await daemon.client.prepare(key, 'layer');
  const [mount] = mounts;
  assert.ok(mount);
  await ownLog(mount);
  await withMounted(daemon.root, mounts, async (dir) => {
    const limit = await limitSetOn(mount);
    if (triesForEver) await writeFile(limit, FOR_EVER);
    await fill(dir);
    // It freezes the file system on it.
    const suspended = shell('dmsetup', 'suspend', basename(mount.source));
    if (triesForEver) {
      const ended = suspended.then(() => 'ended');
      assert.is(await Promise.race([ended, sleep(STUCK_MS, 'waits')]), 'waits');
      await writeFile(limit, '0');
    }
    await withTimeout(suspended, GIVEN_UP_LIMIT_MS, 'the freeze of an xfs that has given up');
    await shell('dmsetup', 'resume', basename(mount.source));
    assert.is(await readdir(dir).catch((error: unknown) => isCode(error, 'EIO')), true);
  });
  await daemon.client.remove(key);
  await untilMode('rw', SEEN_LIMIT_MS);
}

tests('its device can be suspended when the daemon has set the limit', () => freezeWhenFull('limited', false));
tests('who suspends its device waits when it has no limit, until it has one', () => freezeWhenFull('endless', true));
tests('what stands beside it is whole, and nothing is left of it', async () => {
  const { client } = daemon;
  await withMounted(daemon.root, await client.prepare('beside', 'layer'), (dir) =>
    writeFile(join(dir, 'file'), 'here'),
  );
  await checkFileSystem(await client.mounts('beside'));
  await removeAll(client);
  await basesAreLeft(daemon);
});

tests.run();
