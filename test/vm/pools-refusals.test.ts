// What `thinsnap pool create` refuses: each is said, and nothing is touched, which the disks are compared for. And what a creation
// that fails leaves: nothing.

import { mkdir, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { useToolPath, withFakeTools } from '../support/scratch.ts';
import { create, linear } from './support/pool.ts';
import { done, machineState, withPlace } from './support/pool-life.ts';
import { shell } from './support/shell.ts';

const DATA = 'thinsnap-test-data';
const nothing = async (): Promise<void> => undefined;

interface Refusal {
  readonly what: string;
  readonly set: (root: string) => Promise<void>;
  readonly unset: (root: string) => Promise<void>;
  readonly words: readonly string[];
  readonly error: RegExp;
}

/** A DOS partition table with one Linux partition: 4 bytes of start and of length in sectors at 8 of the first entry. */
async function partition(disk: string): Promise<void> {
  const block = Buffer.alloc(512);
  block[446 + 4] = 0x83;
  block.writeUInt32LE(2048, 446 + 8);
  block.writeUInt32LE(65_536, 446 + 12);
  block.writeUInt16LE(0xaa55, 510);
  const handle = await open(disk, 'r+');
  try {
    await handle.write(block, 0, block.length, 0);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await shell('blockdev', '--rereadpt', disk);
}

const RAW = ['--data-device', '/dev/vda', '--metadata-device', '/dev/vdb'];
const REFUSALS: readonly Refusal[] = [
  {
    what: 'a disk with a file system, and with --force while it is mounted',
    set: async (root) => {
      await shell('mkfs.ext4', '-q', '/dev/vdb');
      await mkdir(join(root, 'mnt'));
      // Else ext4 itself writes to it, and goes on for a while.
      await shell('mount', '-o', 'ro,noload', '/dev/vdb', join(root, 'mnt'));
    },
    unset: async (root) => {
      await shell('umount', join(root, 'mnt'));
    },
    words: [...RAW, '--force', '--yes'],
    error: /\/dev\/vdb: it is mounted at .*\/mnt\. Nothing was changed/,
  },
  {
    what: 'a disk with a file system',
    set: nothing,
    unset: async () => {
      await shell('wipefs', '--all', '/dev/vdb');
    },
    words: RAW,
    error: /\/dev\/vdb holds a signature of ext4 at 0x438\. Nothing was changed\. With --force/,
  },
  {
    what: 'a disk with a partition table',
    set: async () => {
      await partition('/dev/vdb');
    },
    unset: async () => {
      await shell('wipefs', '--all', '/dev/vdb');
    },
    words: RAW,
    error: /\/dev\/vdb holds a signature of dos at 0x1fe.*partition (vdb|ubdb)1/,
  },
  {
    what: 'a disk that another device is on, whatever is said',
    set: () => create(DATA, linear('/dev/vdb', 64)),
    unset: async () => {
      await shell('dmsetup', 'remove', DATA);
    },
    words: [...RAW, '--force', '--yes'],
    error: /\/dev\/vdb: it is held by dm-\d+/,
  },
  {
    what: 'the same disk twice',
    set: nothing,
    unset: nothing,
    words: ['--data-device', '/dev/vda', '--metadata-device', '/dev/vda'],
    error: /the same device is given twice/,
  },
  {
    what: 'a device that is not there, after it was waited for',
    set: nothing,
    unset: nothing,
    words: ['--data-device', '/dev/vda', '--metadata-device', '/dev/vdx', '--wait', '1'],
    error: /Cannot use \/dev\/vdx: there is no such device, after 1 s/,
  },
  {
    what: 'what is no block device',
    set: nothing,
    unset: nothing,
    words: ['--data-device', '/dev/vda', '--metadata-device', '/dev/null'],
    error: /it is not a block device/,
  },
  {
    what: 'too little room for data',
    set: nothing,
    unset: nothing,
    words: ['--data-device', '/dev/vdb', '--metadata-device', '/dev/vda', '--min-data-size', '2GiB'],
    error: /there would be 1GiB for data, and the least is 2GiB/,
  },
  {
    what: 'more than the file system has',
    set: nothing,
    unset: nothing,
    words: ['--loop', '/dev/shm/thinsnap-test-none', '--data-size', '4TiB'],
    error: /4TiB is more than the .* that are free/,
  },
];

test('what is refused is said, and nothing is touched', async () => {
  await withPlace(async ({ root, directory, pool }) => {
    for (const { what, set, unset, words, error } of REFUSALS) {
      await set(root);
      const before = await machineState();
      try {
        const outcome = await pool('create', ...words);
        assert.is(outcome.status, 1, what);
        assert.match(outcome.error, error, what);
        assert.is(await machineState(), before, what);
      } finally {
        await unset(root);
      }
    }
    assert.equal(await readdir(directory).catch(() => []), []);
  });
});

test('a machine without its tools is told what to install', async () => {
  await withFakeTools({}, async (dir) => {
    useToolPath(dir);
    await withPlace(async ({ pool }) => {
      const { status, error } = await pool('create', ...RAW);
      assert.is(status, 1);
      assert.match(error, /thin_check is not installed: apt-get install thin-provisioning-tools/);
    });
  });
});

test('a creation that fails undoes what it did', async () => {
  const before = await machineState();
  await withPlace(async ({ root, directory, pool }) => {
    await create('thinsnap-test-taken', '0 8 zero');
    const dir = join(root, 'files');
    const taken = await pool('create', '--loop', dir, '--name', 'thinsnap-test-taken', '--data-size', '256MiB');
    assert.match(taken.error, /there is a \/dev\/mapper\/thinsnap-test-taken/);
    await shell('dmsetup', 'remove', 'thinsnap-test-taken');
    await withFakeTools({ losetup: 'echo "losetup: cannot find an unused loop device" >&2; exit 1' }, async () => {
      const failed = await pool('create', '--loop', dir, '--name', 'thinsnap-test-loop', '--data-size', '256MiB');
      assert.is(failed.status, 1);
      assert.match(failed.error, /cannot find an unused loop device.*What was done was undone/);
    });
    assert.equal(await readdir(directory), []);
    assert.not((await readdir(root)).includes('files'));
  });
  assert.is(await machineState(), before);
});

test('a disk of another volume group is refused, whatever is said', async () => {
  await shell('lvm', 'vgcreate', '--yes', 'thinsnap-test-other', '/dev/vdb');
  const before = await machineState();
  await withPlace(async ({ pool }) => {
    const taken = await pool('create', '--device', '/dev/vdb', '--force', '--yes');
    assert.is(taken.status, 1);
    assert.match(taken.error, /\/dev\/vdb: it belongs to LVM's volume group thinsnap-test-other/);
    assert.is(await machineState(), before);
    const absent = await pool('create', '--vg', 'thinsnap-test-none');
    assert.match(absent.error, /Cannot use volume group thinsnap-test-none: LVM has none/);
    assert.match(await done(pool('create', '--vg', 'thinsnap-test-other', '--dry-run')), /^lvm lvcreate/);
    assert.is(await machineState(), before);
  });
  await shell('lvm', 'vgremove', 'thinsnap-test-other');
  await shell('lvm', 'pvremove', '/dev/vdb');
});

test.run();
