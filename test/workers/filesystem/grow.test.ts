// A grown file system has the new size, is clean, and holds what it held; no mount and no loop device stays behind.

import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, statfs, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { FsType } from '../../../src/shared/tasks.ts';
import { MIB } from '../../../src/shared/units.ts';
import { attachLoop, detachLoop, findLoops, isClaimed } from '../../../src/workers/block/loop.ts';
import { growFileSystem } from '../../../src/workers/filesystem/grow.ts';
import { makeFileSystem } from '../../../src/workers/filesystem/mkfs.ts';
import { faultOf } from '../../support/faults.ts';
import { withMounted } from '../../support/mounts.ts';
import { asRootWith } from '../../support/requirements.ts';
import { makeSparseFile, withFakeTools, withScratch } from '../../support/scratch.ts';

const run = promisify(execFile);
const KINDS: readonly { fsType: FsType; check: readonly string[] }[] = [
  { fsType: 'ext4', check: ['e2fsck', '-fn'] },
  { fsType: 'ext2', check: ['e2fsck', '-fn'] },
  { fsType: 'xfs', check: ['xfs_repair', '-n'] },
];

for (const { fsType, check } of KINDS) {
  for (const through of ['file', 'device'] as const) {
    asRootWith(
      test,
      `mkfs.${fsType}`,
      'mount',
    )(`growFileSystem() grows ${fsType} on a ${through}`, async () => {
      await withScratch(async (dir) => {
        const image = join(dir, 'image');
        await makeSparseFile(image, 320 * MIB);
        await makeFileSystem(image, { fsType, options: [] });
        await withMounted(image, { fsType }, (root) => writeFile(join(root, 'kept'), 'x'.repeat(MIB)));
        await truncate(image, 1024 * MIB);
        if (through === 'file') await growFileSystem(image, fsType);
        else await growDevice(image, fsType);
        assert.equal(await findLoops(image), []);
        const [checker = '', ...flags] = check;
        await run(checker, [...flags, image]);
        await withMounted(image, { fsType }, async (root) => {
          const { blocks, bsize } = await statfs(root);
          assert.ok(blocks * bsize > 850 * MIB);
          assert.is(await readFile(join(root, 'kept'), 'utf8'), 'x'.repeat(MIB));
          // e2fsck makes a lost+found where there is none.
          assert.equal(await readdir(root), ['kept']);
        });
      });
    });
  }
}

asRootWith(
  test,
  'mkfs.ext4',
  'mount',
)('growFileSystem() leaves a lost+found that an image brought along', async () => {
  await withScratch(async (dir) => {
    const image = join(dir, 'image');
    await makeSparseFile(image, 32 * MIB);
    await makeFileSystem(image, { fsType: 'ext4', options: [] });
    await withMounted(image, { fsType: 'ext4' }, (root) => mkdir(join(root, 'lost+found')));
    await truncate(image, 64 * MIB);
    await growFileSystem(image, 'ext4');
    await withMounted(image, { fsType: 'ext4' }, async (root) => {
      assert.equal(await readdir(root), ['lost+found']);
    });
  });
});

async function growDevice(image: string, fsType: FsType): Promise<void> {
  const device = await attachLoop(image, { directIo: false });
  try {
    await growFileSystem(device, fsType);
    assert.is(await isClaimed(device), false);
  } finally {
    await detachLoop(device);
  }
}

asRootWith(
  test,
  'mkfs.xfs',
  'mount',
)('growFileSystem() leaves no mount when xfs_growfs fails or is missing', async () => {
  for (const { script, code } of [
    { script: 'echo odd >&2; exit 1', code: 'io' },
    { script: 'exit 127', code: 'tool-missing' },
  ]) {
    await withFakeTools({ xfs_growfs: script }, async (dir) => {
      const image = join(dir, 'image');
      await makeSparseFile(image, 320 * MIB);
      await makeFileSystem(image, { fsType: 'xfs', options: [] });
      assert.is((await faultOf(growFileSystem(image, 'xfs'))).code, code);
      assert.equal(await findLoops(image), []);
    });
  }
});

test('growFileSystem() goes on after e2fsck corrected something, and stops when it could not', async () => {
  const others = { debugfs: 'exit 0', resize2fs: 'exit 0' };
  await withFakeTools({ ...others, e2fsck: 'exit 1' }, async () => {
    await growFileSystem('/file', 'ext4');
  });
  await withFakeTools({ ...others, e2fsck: 'exit 4' }, async () => {
    assert.match((await faultOf(growFileSystem('/file', 'ext4'))).message, /e2fsck: exit status 4/);
  });
});

test.run();
