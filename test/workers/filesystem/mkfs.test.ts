// Fresh file systems are clean, small, empty, and what the user asked for; odd options never reach mkfs.

import { execFile } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isFault } from '../../../src/shared/faults.ts';
import type { FsType } from '../../../src/shared/tasks.ts';
import { MIB } from '../../../src/shared/units.ts';
import { makeFileSystem } from '../../../src/workers/filesystem/mkfs.ts';
import { withMounted } from '../../support/mounts.ts';
import { asRootWith } from '../../support/requirements.ts';
import { makeSparseFile, withFakeTools, withScratch } from '../../support/scratch.ts';

const run = promisify(execFile);
const KINDS: readonly { fsType: FsType; sizeMib: number; allocatedMaxKib: number; tool: string; check: string[] }[] = [
  { fsType: 'ext4', sizeMib: 8192, allocatedMaxKib: 8 * 1024, tool: 'mkfs.ext4', check: ['e2fsck', '-fn'] },
  { fsType: 'ext4', sizeMib: 64, allocatedMaxKib: 1024, tool: 'mkfs.ext4', check: ['e2fsck', '-fn'] },
  { fsType: 'ext2', sizeMib: 64, allocatedMaxKib: 1024, tool: 'mkfs.ext2', check: ['e2fsck', '-fn'] },
  { fsType: 'xfs', sizeMib: 300, allocatedMaxKib: 80 * 1024, tool: 'mkfs.xfs', check: ['xfs_repair', '-n'] },
];

for (const { fsType, sizeMib, allocatedMaxKib, tool, check } of KINDS) {
  const name = `${fsType} of ${sizeMib} MiB`;
  asRootWith(
    test,
    tool,
    'mount',
  )(`makeFileSystem() makes a clean, small, empty ${name}`, async () => {
    await withScratch(async (dir) => {
      const image = join(dir, 'image');
      await makeSparseFile(image, sizeMib * MIB);
      await makeFileSystem(image, { fsType, options: [] });
      assert.ok((await stat(image)).blocks * 512 <= allocatedMaxKib * 1024);
      const [checker = '', ...flags] = check;
      await run(checker, [...flags, image]);
      await withMounted(image, { fsType }, async (root) => {
        assert.equal(await readdir(root), []);
        const { mode, uid, gid } = await stat(root);
        assert.equal({ mode: mode & 0o7777, uid, gid }, { mode: 0o755, uid: 0, gid: 0 });
      });
      await run(checker, [...flags, image]);
    });
  });
}

async function dumpOf(image: string): Promise<string> {
  return (await run('dumpe2fs', ['-h', image])).stdout;
}

test('makeFileSystem() merges every -E of the user with its own', async () => {
  await withScratch(async (dir) => {
    const image = join(dir, 'image');
    await makeSparseFile(image, 256 * MIB);
    const options = [
      'stride=16',
      '-E',
      'stripe_width=32',
      '-Elazy_itable_init=0',
      '-m',
      '0',
      '-Llabel',
      '-O',
      '^64bit',
    ];
    await makeFileSystem(image, { fsType: 'ext4', options });
    const dump = await dumpOf(image);
    assert.match(dump, /RAID stride: +16/);
    assert.match(dump, /RAID stripe width: +32/);
    assert.match(dump, /Reserved block count: +0\n/);
    assert.match(dump, /volume name: +label/);
    assert.not.match(dump, /64bit/);
    assert.ok((await stat(image)).blocks * 512 < 2 * MIB);
  });
});

test('makeFileSystem() leaves no inode table for the kernel to initialise in every snapshot', async () => {
  await withScratch(async (dir) => {
    const image = join(dir, 'image');
    await makeSparseFile(image, 1024 * MIB);
    await makeFileSystem(image, { fsType: 'ext4', options: [] });
    const groups = (await run('dumpe2fs', [image])).stdout.split('\n').filter((line) => line.startsWith('Group '));
    assert.is(groups.filter((line) => line.includes('(Blocks')).length, 8);
    assert.is(groups.filter((line) => line.includes('ITABLE_ZEROED')).length, 8);
  });
});

test('makeFileSystem() writes the inode tables where mke2fs does not know assume_storage_prezeroed', async () => {
  const old = `case "$*" in *assume_storage*) echo "Bad option(s) specified: assume_storage_prezeroed" >&2; exit 1;; esac
    exec /usr/sbin/mkfs.ext4 "$@"`;
  await withFakeTools({ 'mkfs.ext4': old }, async (dir) => {
    const image = join(dir, 'image');
    await makeSparseFile(image, 64 * MIB);
    await makeFileSystem(image, { fsType: 'ext4', options: [] });
    const { stdout } = await run('dumpe2fs', [image]);
    assert.match(stdout, /ITABLE_ZEROED/);
    await run('e2fsck', ['-fn', image]);
  });
});

const REFUSED: readonly { fsType: FsType; options: string[] }[] = [
  { fsType: 'ext4', options: ['-n'] },
  { fsType: 'ext4', options: ['-S'] },
  { fsType: 'ext4', options: ['-F'] },
  { fsType: 'ext4', options: ['-d', '/etc'] },
  { fsType: 'ext4', options: ['-t', 'ext3'] },
  { fsType: 'ext4', options: ['--'] },
  { fsType: 'ext4', options: ['-'] },
  { fsType: 'ext4', options: ['/dev/sda'] },
  { fsType: 'ext4', options: ['-E'] },
  { fsType: 'ext4', options: ['-E', '-n'] },
  { fsType: 'ext4', options: ['-L', '$(id)'] },
  { fsType: 'xfs', options: ['-f'] },
  { fsType: 'xfs', options: ['-N'] },
  { fsType: 'xfs', options: ['stray'] },
  { fsType: 'xfs', options: ['-d', 'name=/dev/sda'] },
  { fsType: 'xfs', options: ['-p', 'proto'] },
];

for (const { fsType, options } of REFUSED) {
  test(`makeFileSystem() refuses ${options.join(' ')} for ${fsType} before anything is written`, async () => {
    await withScratch(async (dir) => {
      const image = join(dir, 'image');
      await makeSparseFile(image, 512 * MIB);
      const error = await makeFileSystem(image, { fsType, options }).catch((reason: unknown) => reason);
      assert.ok(isFault(error, 'invalid'));
      assert.is((await stat(image)).blocks, 0);
    });
  });
}

for (const { fsType, sizeMib } of [
  { fsType: 'ext4', sizeMib: 15 },
  { fsType: 'xfs', sizeMib: 299 },
] as const) {
  test(`makeFileSystem() refuses an ${fsType} of ${sizeMib} MiB`, async () => {
    await withScratch(async (dir) => {
      const image = join(dir, 'image');
      await makeSparseFile(image, sizeMib * MIB);
      const error = await makeFileSystem(image, { fsType, options: [] }).catch((reason: unknown) => reason);
      assert.match(String(error), /Cannot make .*: \d+ bytes, needs \d+ at least/);
    });
  });
}

test('makeFileSystem() does not believe a mkfs.xfs that did nothing and exits with 0', async () => {
  await withFakeTools({ 'mkfs.xfs': 'exit 0' }, async (dir) => {
    const image = join(dir, 'image');
    await makeSparseFile(image, 512 * MIB);
    const error = await makeFileSystem(image, { fsType: 'xfs', options: [] }).catch((reason: unknown) => reason);
    assert.match(String(error), `Cannot make xfs on ${image}: mkfs.xfs said that it did`);
  });
});

for (const [what, script, found] of [
  ['could not remove lost+found', 'echo "debugfs 1.47.0 (5-Feb-2023)" >&2; echo "rmdir: odd" >&2', 'rmdir: odd'],
  ['did nothing', 'exit 0', 'debugfs found nothing wrong, and it is there'],
] as const) {
  test(`makeFileSystem() fails when debugfs ${what} though it exits with 0`, async () => {
    await withFakeTools({ debugfs: script }, async (dir) => {
      const image = join(dir, 'image');
      await makeSparseFile(image, 64 * MIB);
      const error = await makeFileSystem(image, { fsType: 'ext4', options: [] }).catch((reason: unknown) => reason);
      assert.ok(String(error).includes(`Cannot remove lost+found from ${image}: ${found}`), String(error));
    });
  });
}

test.run();
