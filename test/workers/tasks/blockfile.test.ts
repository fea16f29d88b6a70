// The life of blockfiles through the tasks: made, copied, mounted and written, sealed, copied while in use, removed.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, stat, statfs, watch, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { FsType } from '../../../src/shared/tasks.ts';
import { type Bytes, MIB, parseBytes } from '../../../src/shared/units.ts';
import { copyFile } from '../../../src/workers/tasks/copy-file.ts';
import { copyMountedFile } from '../../../src/workers/tasks/copy-mounted-file.ts';
import { createBaseFile } from '../../../src/workers/tasks/create-base-file.ts';
import { fileAllocated } from '../../../src/workers/tasks/file-allocated.ts';
import { removeFile } from '../../../src/workers/tasks/remove-file.ts';
import { reserveFile } from '../../../src/workers/tasks/reserve-file.ts';
import { sealFile } from '../../../src/workers/tasks/seal-file.ts';
import { thawFiles } from '../../../src/workers/tasks/thaw-files.ts';
import { digestOf } from '../../support/contents.ts';
import { faultOf } from '../../support/faults.ts';
import { withMounted } from '../../support/mounts.ts';
import { asRootWith } from '../../support/requirements.ts';
import { withFakeTools, withScratch } from '../../support/scratch.ts';
import { withWriter } from '../../support/writer.ts';

const run = promisify(execFile);
const SIZE = parseBytes(64 * MIB);
/** xfs is not made any smaller. */
const XFS_SIZE = parseBytes(320 * MIB);
const SAME = { kind: 'same' } as const;
const KINDS: readonly { fsType: FsType; options: readonly string[]; check: readonly string[] }[] = [
  { fsType: 'ext4', options: [], check: ['e2fsck', '-fn'] },
  { fsType: 'ext2', options: [], check: ['e2fsck', '-fn'] },
  { fsType: 'xfs', options: ['nouuid'], check: ['xfs_repair', '-n'] },
];

function sizeOf(fsType: FsType): Bytes {
  return fsType === 'xfs' ? XFS_SIZE : SIZE;
}

async function makeBase(path: string, fsType: FsType): Promise<void> {
  await createBaseFile({ path, sizeBytes: sizeOf(fsType), mkfs: { fsType, options: [] } });
}

for (const { fsType, options, check } of KINDS) {
  const rootTest = asRootWith(test, `mkfs.${fsType}`, 'mount', 'fsfreeze');

  rootTest(`copyFile() gives ${fsType} children that know nothing of each other, and grows one`, async () => {
    await withScratch(async (dir) => {
      const [base, child, large] = [join(dir, 'base'), join(dir, 'child'), join(dir, 'large')];
      await makeBase(base, fsType);
      const before = await digestOf(base);
      await copyFile({ from: base, to: child, sizeBytes: sizeOf(fsType), growth: SAME });
      await withMounted(child, { fsType }, (root) => writeFile(join(root, 'file'), 'child'));
      const sizeBytes = parseBytes(640 * MIB);
      await copyFile({ from: child, to: large, sizeBytes, growth: { kind: 'grow', fsType } });
      await withMounted(large, { fsType, options }, async (root) => {
        assert.is(await readFile(join(root, 'file'), 'utf8'), 'child');
        const { blocks, bsize } = await statfs(root);
        assert.ok(blocks * bsize > 500 * MIB);
      });
      assert.is(await digestOf(base), before);
      assert.equal(
        (await readdir(dir)).filter((name) => name.endsWith('.partial')),
        [],
      );
    });
  });

  rootTest(`copyMountedFile() gives a clean ${fsType} under a writer, with all that was written before`, async () => {
    await withScratch(async (dir) => {
      const [from, to] = [join(dir, 'from'), join(dir, 'to')];
      await makeBase(from, fsType);
      await withMounted(from, { fsType }, async (root) => {
        await writeFile(join(root, 'before'), 'x'.repeat(MIB));
        await withWriter(root, () => copyMountedFile({ from, to, sizeBytes: sizeOf(fsType) }));
        await writeFile(join(root, 'after'), 'thawed');
        // xfs leaves its log dirty when frozen, so that only a mount can tell.
        if (fsType !== 'xfs') await run('e2fsck', ['-fn', to]);
        await withMounted(to, { fsType, options }, async (copy) => {
          assert.is(await readFile(join(copy, 'before'), 'utf8'), 'x'.repeat(MIB));
          assert.not((await readdir(copy)).includes('after'));
        });
        const [checker = '', ...flags] = check;
        await run(checker, [...flags, to]);
      });
    });
  });

  rootTest(`sealFile() brings what was written to a mounted ${fsType} into its file`, async () => {
    await withScratch(async (dir) => {
      const path = join(dir, 'file');
      await makeBase(path, fsType);
      const { open, allocatedBytes } = await sealFile({ path });
      assert.is(open, false);
      await withMounted(path, { fsType }, async (root) => {
        await writeFile(join(root, 'file'), 'sealed-contents'.repeat(10_000));
        const sealed = await sealFile({ path });
        assert.is(sealed.open, true);
        assert.ok(sealed.allocatedBytes > allocatedBytes);
        assert.ok((await readFile(path)).includes('sealed-contents'));
      });
    });
  });
}

asRootWith(test, 'losetup')('copyMountedFile() copies a file that a loop device has and nobody mounted', async () => {
  await withScratch(async (dir) => {
    const [from, to] = [join(dir, 'from'), join(dir, 'to')];
    await makeBase(from, 'ext4');
    const { stdout } = await run('losetup', ['--find', '--show', from]);
    try {
      await run('dd', [
        'if=/dev/urandom',
        `of=${stdout.trim()}`,
        'bs=1M',
        'count=1',
        'seek=32',
        'conv=nocreat,notrunc',
      ]);
      await copyMountedFile({ from, to, sizeBytes: SIZE });
    } finally {
      await run('losetup', ['-d', stdout.trim()]);
    }
    assert.is(await digestOf(to), await digestOf(from));
  });
});

asRootWith(
  test,
  'mount',
  'fsfreeze',
)('thawFiles() thaws what is frozen, and answers those paths alone', async () => {
  await withScratch(async (dir) => {
    const [frozen, free, none] = [join(dir, 'frozen'), join(dir, 'free'), join(dir, 'none')];
    await makeBase(frozen, 'ext4');
    await makeBase(free, 'ext4');
    await withMounted(frozen, { fsType: 'ext4' }, async (root) => {
      await withMounted(free, { fsType: 'ext4' }, async () => {
        await run('fsfreeze', ['-f', root]);
        assert.equal(await thawFiles({ paths: [none, free, frozen] }), [frozen]);
        assert.equal(await thawFiles({ paths: [none, free, frozen] }), []);
      });
    });
  });
});

test('createBaseFile() leaves nothing when mkfs fails', async () => {
  await withFakeTools({ 'mkfs.ext4': 'echo half >"$5"; exit 1' }, async (dir) => {
    await mkdir(join(dir, 'files'));
    assert.is((await faultOf(makeBase(join(dir, 'files', 'base'), 'ext4'))).code, 'io');
    assert.equal(await readdir(join(dir, 'files')), []);
  });
});

/** Waits until the folder has an entry of that name. */
async function appears(dir: string, name: string): Promise<void> {
  const watching = new AbortController();
  const events = watch(dir, { signal: watching.signal });
  const first = events[Symbol.asyncIterator]();
  let next = first.next();
  while (!(await readdir(dir)).includes(name)) {
    await next;
    next = first.next();
  }
  next.catch(() => {});
  watching.abort();
}

function startCopy(from: string, to: string): ChildProcess {
  const task = new URL('../../../src/workers/tasks/copy-file.js', import.meta.url).href;
  const script = `const { copyFile } = await import(${JSON.stringify(task)});
    await copyFile(${JSON.stringify({ from, to, sizeBytes: SIZE, growth: SAME })});`;
  return spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
}

test('copyFile() leaves only a partial when the process is killed, and starts over when asked again', async () => {
  // Copies a half, says so, and waits: a copy of a large file, stopped in the middle.
  const cp = 'for to; do :; done; head -c 10000000 "$4" >"$to"; echo $$ >"$to.pid"; exec sleep 600';
  await withScratch(async (dir) => {
    const [from, to] = [join(dir, 'from'), join(dir, 'to')];
    await makeBase(from, 'ext4');
    await withFakeTools({ cp }, async () => {
      const copy = startCopy(from, to);
      const ended = once(copy, 'exit');
      await appears(dir, 'to.partial.pid');
      copy.kill('SIGKILL');
      await ended;
      assert.ok((await readdir(dir)).includes('to.partial'));
      assert.not((await readdir(dir)).includes('to'));
      const orphan = Number(await readFile(join(dir, 'to.partial.pid'), 'utf8'));
      if (orphan > 1) process.kill(orphan, 'SIGKILL');
    });
    await copyFile({ from, to, sizeBytes: SIZE, growth: SAME });
    assert.is(await digestOf(to), await digestOf(from));
    assert.not((await readdir(dir)).includes('to.partial'));
  });
});

test('reserveFile() gives the file blocks, leaves it as it is, and says where that cannot be', async () => {
  await withScratch(async (dir) => {
    const path = join(dir, 'log');
    await writeFile(path, 'what is in it');
    assert.is(await reserveFile({ path, sizeBytes: SIZE }), true);
    assert.is(await readFile(path, 'utf8'), 'what is in it');
    assert.ok((await fileAllocated({ path })) >= SIZE);
    assert.is(await reserveFile({ path: dir, sizeBytes: SIZE }), false);
  });
});

test('fileAllocated() and removeFile() follow the file, and removing it twice is no fault', async () => {
  await withScratch(async (dir) => {
    const path = join(dir, 'file');
    await makeBase(path, 'ext4');
    assert.is(await fileAllocated({ path }), (await stat(path)).blocks * 512);
    await removeFile({ path });
    await removeFile({ path });
    assert.is((await faultOf(fileAllocated({ path }))).code, 'not-found');
    assert.is((await faultOf(sealFile({ path }))).code, 'not-found');
  });
});

test.run();
