// Copies are exact, keep their holes, and are whole or absent whatever happens on the way.

import { execFile } from 'node:child_process';
import { mkdir, readdir, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MIB, parseBytes } from '../../../src/shared/units.ts';
import { copyContents, createWhole, removeWhole } from '../../../src/workers/block/copy.ts';
import { digestOf, makeHoley } from '../../support/contents.ts';
import { faultOf } from '../../support/faults.ts';
import { withMounted } from '../../support/mounts.ts';
import { asRootWith } from '../../support/requirements.ts';
import { makeSparseFile, withFakeTools, withScratch } from '../../support/scratch.ts';

const run = promisify(execFile);
const LIMITS = { sizeBytes: parseBytes(256 * MIB), timeoutMs: 60_000 };

test('copyContents() copies exactly, holes as holes, and extends the copy', async () => {
  await withScratch(async (dir) => {
    const [from, to] = [join(dir, 'from'), join(dir, 'to')];
    await makeHoley(from, 200);
    await copyContents(from, to, LIMITS);
    assert.is((await stat(to)).size, 256 * MIB);
    assert.ok((await stat(to)).blocks * 512 <= 14 * MIB);
    await truncate(to, 200 * MIB);
    assert.is(await digestOf(to), await digestOf(from));
  });
});

asRootWith(
  test,
  'mkfs.xfs',
  'mount',
)('copyContents() shares blocks where the file system can', async () => {
  await withScratch(async (dir) => {
    const image = join(dir, 'image');
    await makeSparseFile(image, 512 * MIB);
    await run('mkfs.xfs', ['-q', image]);
    await withMounted(image, { fsType: 'xfs' }, async (root) => {
      await makeHoley(join(root, 'from'), 200);
      assert.is(await copyContents(join(root, 'from'), join(root, 'to'), LIMITS), true);
      assert.is((await stat(join(root, 'to'))).size, 256 * MIB);
      assert.is(await copyContents(join(root, 'from'), join(dir, 'elsewhere'), LIMITS), false);
      assert.is(await digestOf(join(root, 'to')), await digestOf(join(dir, 'elsewhere')));
    });
  });
});

test('copyContents() refuses a copy smaller than the original, and a missing original', async () => {
  await withScratch(async (dir) => {
    await makeSparseFile(join(dir, 'from'), 257 * MIB);
    assert.is((await faultOf(copyContents(join(dir, 'from'), join(dir, 'to'), LIMITS))).code, 'invalid');
    assert.is((await faultOf(copyContents(join(dir, 'none'), join(dir, 'to'), LIMITS))).code, 'not-found');
    assert.equal(await readdir(dir), ['from']);
  });
});

test('createWhole() leaves nothing when filling fails, and no former file is touched', async () => {
  await withScratch(async (dir) => {
    const path = join(dir, 'file');
    await writeFile(path, 'old');
    const error = await faultOf(
      createWhole(path, async (partial) => {
        await writeFile(partial, 'half');
        await copyContents(join(dir, 'none'), partial, LIMITS);
      }),
    );
    assert.is(error.code, 'not-found');
    assert.equal(await readdir(dir), ['file']);
    assert.is((await stat(path)).size, 3);
  });
});

test('createWhole() ends a copy that hangs, and leaves nothing', async () => {
  await withFakeTools({ cp: 'for to; do :; done; echo half >"$to"; sleep 600' }, async (dir) => {
    await mkdir(join(dir, 'files'));
    const from = join(dir, 'from');
    await makeSparseFile(from, MIB);
    const error = await faultOf(
      createWhole(join(dir, 'files', 'to'), async (partial) => {
        await copyContents(from, partial, { ...LIMITS, timeoutMs: 200 });
      }),
    );
    assert.is(error.code, 'timeout');
    assert.equal(await readdir(join(dir, 'files')), []);
  });
});

asRootWith(test, 'mount')('createWhole() answers no-space and leaves nothing when the disk is full', async () => {
  await withScratch(async (dir) => {
    const small = join(dir, 'small');
    await mkdir(small);
    await makeHoley(join(dir, 'from'), 200);
    await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small]);
    try {
      const error = await faultOf(
        createWhole(join(small, 'to'), async (partial) => {
          await copyContents(join(dir, 'from'), partial, LIMITS);
        }),
      );
      assert.is(error.code, 'no-space');
      assert.equal(await readdir(small), []);
    } finally {
      await run('umount', [small]);
    }
  });
});

test('removeWhole() removes the file and its partial, and minds nothing that is gone', async () => {
  await withScratch(async (dir) => {
    await writeFile(join(dir, 'file'), '');
    await writeFile(join(dir, 'file.partial'), '');
    await removeWhole(join(dir, 'file'));
    await removeWhole(join(dir, 'file'));
    assert.equal(await readdir(dir), []);
  });
});

for (const [what, script, found] of [
  ['nothing', 'exit 0', 'none'],
  ['half of it', 'for to; do :; done; echo half >"$to"', 'one of 5 bytes'],
] as const) {
  test(`copyContents() fails when cp copies ${what} and ends well`, async () => {
    await withFakeTools({ cp: script }, async (dir) => {
      const [from, to] = [join(dir, 'from'), join(dir, 'to')];
      await makeSparseFile(from, MIB);
      const fault = await faultOf(copyContents(from, to, { sizeBytes: parseBytes(MIB), timeoutMs: 10_000 }));
      assert.is(fault.code, 'io');
      assert.ok(fault.message.endsWith(`cp said that it did, and of ${MIB} bytes there is ${found}`), fault.message);
    });
  });
}

test.run();
