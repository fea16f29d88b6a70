// Frozen file systems are thawed whatever happens, and a freeze that someone else has a hand in is noticed.

import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FaultError } from '../../../src/shared/faults.ts';
import { MIB } from '../../../src/shared/units.ts';
import { thawDevice, withFrozen } from '../../../src/workers/block/freeze.ts';
import { findLoops } from '../../../src/workers/block/loop.ts';
import { makeFileSystem } from '../../../src/workers/filesystem/mkfs.ts';
import { faultOf } from '../../support/faults.ts';
import { withMounted } from '../../support/mounts.ts';
import { asRootWith } from '../../support/requirements.ts';
import { makeSparseFile, useToolPath, withFakeTools, withScratch } from '../../support/scratch.ts';

const run = promisify(execFile);
const rootTest = asRootWith(test, 'mkfs.ext4', 'mount', 'fsfreeze');

interface Mounted {
  readonly root: string;
  readonly loops: readonly string[];
}

async function withExt4(dir: string, action: (mounted: Mounted) => Promise<void>): Promise<void> {
  const image = join(dir, 'image');
  await makeSparseFile(image, 64 * MIB);
  await makeFileSystem(image, { fsType: 'ext4', options: [] });
  await withMounted(image, { fsType: 'ext4' }, async (root) => action({ root, loops: await findLoops(image) }));
}

async function isFrozen(root: string): Promise<boolean> {
  return run('fsfreeze', ['-u', root]).then(
    () => true,
    () => false,
  );
}

rootTest('withFrozen() freezes while the action runs, and thaws after it', async () => {
  await withScratch(async (dir) => {
    await withExt4(dir, async ({ root, loops }) => {
      const state = await withFrozen(loops, async () => run('fsfreeze', ['-f', root]).catch((error: unknown) => error));
      assert.match(String(state), /Device or resource busy/);
      assert.not(await isFrozen(root));
      await writeFile(join(root, 'file'), 'x');
    });
  });
});

rootTest('withFrozen() thaws when the action throws, and throws the same', async () => {
  await withScratch(async (dir) => {
    await withExt4(dir, async ({ root, loops }) => {
      const fault = new FaultError('no-space', 'Cannot go on: a test');
      assert.is(await faultOf(withFrozen(loops, () => Promise.reject(fault))), fault);
      assert.not(await isFrozen(root));
    });
  });
});

rootTest('withFrozen() leaves alone what someone else has frozen, and says that it is busy', async () => {
  await withScratch(async (dir) => {
    await withExt4(dir, async ({ root, loops }) => {
      await run('fsfreeze', ['-f', root]);
      let ran = false;
      const action = async (): Promise<void> => {
        ran = true;
      };
      const fault = await faultOf(withFrozen(loops, action)).finally(async () => assert.ok(await isFrozen(root)));
      assert.is(fault.code, 'device-busy');
      assert.not(ran);
    });
  });
});

rootTest('withFrozen() fails when someone else thawed meanwhile', async () => {
  await withScratch(async (dir) => {
    await withExt4(dir, async ({ root, loops }) => {
      const fault = await faultOf(withFrozen(loops, () => run('fsfreeze', ['-u', root])));
      assert.match(fault.message, /thawed by someone else/);
    });
  });
});

rootTest('withFrozen() thaws what a tool froze before it was ended by a signal', async () => {
  const script = 'case "$1" in --freeze) /usr/sbin/fsfreeze "$@"; kill -KILL $$;; esac; exec /usr/sbin/fsfreeze "$@"';
  await withFakeTools({ fsfreeze: script }, async (dir) => {
    await withExt4(dir, async ({ root, loops }) => {
      assert.match((await faultOf(withFrozen(loops, async () => {}))).message, /Cannot freeze .*SIGKILL/);
      assert.not(await isFrozen(root));
    });
  });
});

rootTest('withFrozen() keeps the mount in place until it has thawed it', async () => {
  await withScratch(async (dir) => {
    await withExt4(dir, async ({ root, loops }) => {
      const unmount = await withFrozen(loops, async () => run('umount', [root]).catch((error: unknown) => error));
      assert.match(String(unmount), /target is busy/);
    });
  });
});

rootTest('withFrozen() runs the action for devices that nobody has mounted', async () => {
  await withScratch(async (dir) => {
    const image = join(dir, 'image');
    await makeSparseFile(image, MIB);
    const { stdout } = await run('losetup', ['--find', '--show', image]);
    try {
      assert.is(await withFrozen([stdout.trim()], async () => 'done'), 'done');
    } finally {
      await run('losetup', ['-d', stdout.trim()]);
    }
  });
});

rootTest('thawDevice() thaws once, and answers whether there was something to thaw', async () => {
  await withScratch(async (dir) => {
    await withExt4(dir, async ({ root, loops: [loop = ''] }) => {
      await run('fsfreeze', ['-f', root]);
      assert.is(await thawDevice(loop), true);
      assert.is(await thawDevice(loop), false);
    });
  });
});

rootTest('thawDevice() reaches a file system that was unmounted while frozen', async () => {
  await withScratch(async (dir) => {
    const image = join(dir, 'image');
    await makeSparseFile(image, 64 * MIB);
    await makeFileSystem(image, { fsType: 'ext4', options: [] });
    await withMounted(image, { fsType: 'ext4' }, async (root) => {
      await run('fsfreeze', ['-f', root]);
    });
    const [loop = ''] = await findLoops(image);
    assert.is(await thawDevice(loop), true);
    assert.equal(await findLoops(image), []);
  });
});

rootTest('withFrozen() says which tool is missing', async () => {
  await withScratch(async (dir) => {
    await withExt4(dir, async ({ root, loops }) => {
      await withFakeTools({}, async (empty) => {
        useToolPath(empty);
        assert.is((await faultOf(withFrozen(loops, async () => {}))).code, 'tool-missing');
      });
      assert.not(await isFrozen(root));
    });
  });
});

test.run();
