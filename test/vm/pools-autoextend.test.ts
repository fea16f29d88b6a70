// Pools that extend themselves while a container writes: no write fails, of data or of metadata. And one whose host has no room
// left: it says so, and what is on it can still be removed.

import { mkdir, open, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { PoolDescription } from '../../src/main/pools/description.ts';
import { writeDescription } from '../../src/main/pools/description.ts';
import { MIB, parseBytes, parseSectors } from '../../src/shared/units.ts';
import { makeLoopFiles } from '../../src/workers/tasks/make-loop-files.ts';
import { run } from '../main/cli/support.ts';
import { type ConfigTable, type Daemon, makeDaemon } from '../support/daemon.ts';
import { withMounted } from '../support/mounting.ts';
import { until } from '../support/until.ts';
import { clearDevices } from './support/pool.ts';
import { done, type Place, withPlace } from './support/pool-life.ts';
import { shell } from './support/shell.ts';

const POOL = 'thinsnap-test-pool';
const GROUP = 'thinsnap-test';
const LVM_POOL = 'thinsnap--test-pool';
const DATA_MIB = 128;
const METADATA_MIB = 2;
/** Beyond the first size, on top of what the file system takes. */
const WRITTEN_MIB = 140;
const SNAPSHOTS = 40;
const DEVICE_MIB = 512;
const LIMIT_MS = 30_000;
/** Between two small writers: 2 MiB of metadata are used up faster than LVM extends them, in an emulated machine (seen). */
const PAUSE_MS = 1_000;

const CONFIG: ConfigTable = {
  base_image_size: `${DEVICE_MIB}MB`,
  min_free_space: '1%',
  standby_per_parent: 0,
  workers: 2,
  autoextend_threshold: 50,
  autoextend_percent: 50,
};

interface Space {
  readonly total_bytes: number;
}

interface Status {
  readonly health: string;
  readonly problems: readonly { readonly code: string; readonly found: string; readonly advice: string }[];
  readonly space: { readonly data: Space; readonly metadata: Space };
  readonly volumes: { readonly pool: { readonly extension: { readonly made_of: string; readonly times: number } } };
}

async function statusOf(daemon: Daemon): Promise<Status> {
  const { status, out, error } = await run('status', '--json', '--admin-address', join(daemon.root, 'admin.sock'));
  assert.is(status, 0, error);
  const answer: Status = JSON.parse(out);
  return answer;
}

/** Pauses: half of so small a pool is memory's speed away from the other half, and no extension is that fast (seen). */
async function writeMib(dir: string, mib: number): Promise<void> {
  const write = 'dd if=/dev/zero of="$1/$n" bs=1M count=4 conv=fsync status=none';
  const script = `n=0; while [ $n -lt "$2" ]; do ${write}; sleep 0.25; n=$((n + 4)); done`;
  await shell('sh', '-ec', script, 'sh', dir, String(mib));
}

/** Breaks the sharing of a piece in each part of the device: where a file system puts its files is its own business. */
async function scatter(device: string, seed: number): Promise<void> {
  const handle = await open(device, 'r+');
  try {
    for (let mib = 8; mib < DEVICE_MIB; mib += 8) await handle.write(Buffer.alloc(4096, seed), 0, 4096, mib * MIB);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A container that writes more than the pool had room for, and many snapshots with small writes each. */
async function overfill(place: Place, daemon: Daemon): Promise<void> {
  const { client } = daemon;
  const mounts = await client.prepare('writer');
  await withMounted(place.root, mounts, (dir) => writeMib(dir, WRITTEN_MIB));
  await client.commit('image', 'writer');
  for (let index = 0; index < SNAPSHOTS; index += 1) {
    const [mount] = await client.prepare(`many-${index}`, 'image');
    await scatter(mount?.source ?? '', index);
    await sleep(PAUSE_MS);
  }
  assert.is((await client.stat(`many-${SNAPSHOTS - 1}`)).parent, 'image');
}

async function outgrow(place: Place, pool: { name: string; madeOf: string }): Promise<void> {
  const daemon = await makeDaemon({ config: { ...CONFIG, pool_name: pool.name, pool_directory: place.directory } });
  try {
    await daemon.start();
    await overfill(place, daemon);
    const { health, problems, space, volumes } = await statusOf(daemon);
    assert.equal([health, problems], ['ok', []]);
    assert.ok(space.data.total_bytes > DATA_MIB * MIB, `${space.data.total_bytes} of data`);
    assert.ok(space.metadata.total_bytes > METADATA_MIB * MIB, `${space.metadata.total_bytes} of metadata`);
    assert.is(volumes.pool.extension.made_of, pool.madeOf);
    assert.ok(volumes.pool.extension.times >= 2);
    assert.match(daemon.log, /"beforeBytes":134217728,"afterBytes":\d+,"msg":"data space of the pool was extended"/);
    assert.match(daemon.log, /"beforeBytes":2097152,"afterBytes":\d+,"msg":"metadata space of the pool was extended"/);
    assert.not.match(daemon.log, /cannot be extended/);
    await daemon.stop();
  } finally {
    await daemon.remove();
  }
}

async function makeLoopPool(place: Place, dir: string): Promise<void> {
  const description: PoolDescription = {
    name: POOL,
    makeup: {
      kind: 'loop',
      dir,
      uuid: `thinsnap-pool-${'0'.repeat(32)}`,
      blockSectors: parseSectors(128),
      features: ['error_if_no_space'],
    },
    // Others than the daemon's settings: the description has the last word.
    autoextend: { thresholdPercent: 51, percent: 60 },
    made: [],
    complete: true,
  };
  if (description.makeup.kind !== 'loop') throw new Error('This is no pool on files');
  const sizes = { dataBytes: parseBytes(DATA_MIB * MIB), metadataBytes: parseBytes(METADATA_MIB * MIB) };
  await makeLoopFiles({ makeup: description.makeup, ...sizes });
  await writeDescription(place.directory, description);
}

async function takeLoopPoolAway(place: Place): Promise<void> {
  await clearDevices();
  await done(place.pool('deactivate', POOL));
}

test('a pool on files outgrows its first size under load, data and metadata', async () => {
  await withPlace(async (place) => {
    await makeLoopPool(place, join('/dev/shm', 'thinsnap-test-autoextend'));
    try {
      await outgrow(place, { name: POOL, madeOf: 'loop' });
    } finally {
      await takeLoopPoolAway(place);
      await shell('rm', '-r', '/dev/shm/thinsnap-test-autoextend');
    }
  });
});

test('a pool of LVM’s outgrows its first size under load, data and metadata', async () => {
  await withPlace(async (place) => {
    await shell('lvm', 'vgcreate', '--yes', '--physicalextentsize', '1M', GROUP, '/dev/vda');
    const sizes = ['--size', `${DATA_MIB}M`, '--poolmetadatasize', `${METADATA_MIB}M`];
    await shell('lvm', 'lvcreate', '--yes', '--type', 'thin-pool', ...sizes, '--name', 'pool', GROUP);
    try {
      await outgrow(place, { name: LVM_POOL, madeOf: 'lvm' });
    } finally {
      await removeThins(LVM_POOL);
      await shell('lvm', 'vgremove', '--yes', '--force', GROUP);
      await shell('lvm', 'pvremove', '/dev/vda');
      // LVM has started it for its pool, and it stays for the next one.
      await shell('pkill', '-x', 'dmeventd').catch(() => undefined);
    }
  });
});

async function removeThins(pool: string): Promise<void> {
  const names = (await shell('dmsetup', 'info', '-c', '--noheadings', '-o', 'name')).split('\n');
  for (const name of names.filter((one) => one.startsWith(`${pool}-snap-`))) await shell('dmsetup', 'remove', name);
}

/** Takes all that the file system has left, or all but so much. */
async function takeRest(host: string, file: string, leftBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(host);
  await shell('fallocate', '--length', String(bavail * bsize - leftBytes), join(host, file));
}

async function starve(place: Place, host: string): Promise<void> {
  const daemon = await makeDaemon({ config: { ...CONFIG, pool_name: POOL, pool_directory: place.directory } });
  try {
    await daemon.start();
    await takeRest(host, 'rest', DATA_MIB * MIB);
    const mounts = await daemon.client.prepare('writer');
    await withMounted(place.root, mounts, (dir) => writeMib(dir, 64));
    const found = await until(
      LIMIT_MS,
      async () => (await statusOf(daemon)).problems.find(({ code }) => code === 'host-space-short') ?? null,
      () => daemon.log,
    );
    assert.match(found.found, /data space cannot be extended: .* are free on the file system of /);
    assert.match(found.advice, /Make room on the file system of /);
    assert.is((await statusOf(daemon)).space.data.total_bytes, DATA_MIB * MIB);
    await takeRest(host, 'all', 0);
    await daemon.client.remove('writer');
    await daemon.client.cleanup();
    await until(
      LIMIT_MS,
      async () => ((await statusOf(daemon)).problems.length === 0 ? true : null),
      () => daemon.log,
    );
    assert.is(daemon.log.match(/cannot be extended yet/g)?.length, 1);
    assert.match(await shell('dmsetup', 'status', POOL), / rw .* - /);
    await daemon.stop();
  } finally {
    await daemon.remove();
  }
}

test('a pool on a full file system stops growing, says so, and lets go of what is removed', async () => {
  await withPlace(async (place) => {
    const host = join(place.root, 'host');
    await mkdir(host);
    await shell('mkfs.ext4', '-q', '-m', '0', '/dev/vdb', '512M');
    await shell('mount', '/dev/vdb', host);
    try {
      await makeLoopPool(place, join(host, 'pool'));
      try {
        await starve(place, host);
      } finally {
        await takeLoopPoolAway(place);
      }
    } finally {
      await shell('umount', host);
    }
  });
});

test.run();
