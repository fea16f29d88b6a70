// The door to the workers, with real ones: answers and faults cross it, lanes do not wait for each other, closing waits.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TaskPool, UNWATCHED } from '../../src/main/task-pool.ts';
import { parseBytes } from '../../src/shared/units.ts';
import { faultOf } from '../support/faults.ts';
import { withNodeChild } from '../support/node-child.ts';
import { withFakeTools, withScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import { withTimeout } from '../support/with-timeout.ts';

const LIMIT_MS = 20_000;

// A machine without device-mapper is as good: the first task's answer is not looked at.
const OPTIONS = {
  engine: 'auto',
  workers: 1,
  ...UNWATCHED,
} as const;

test('TaskPool.run passes answers and faults on', async () => {
  const pool = await TaskPool.open(OPTIONS);
  try {
    await withScratch(async (dir) => {
      const path = join(dir, 'file');
      await writeFile(path, 'x'.repeat(4096));
      assert.ok((await pool.run('fileAllocated', { path })) > 0);
      const fault = await faultOf(pool.run('fileAllocated', { path: `${path}-not` }));
      assert.is(fault.code, 'not-found');
      assert.match(fault.message, /^Cannot .*ENOENT/);
    });
  } finally {
    await withTimeout(pool.close(), LIMIT_MS, 'close');
  }
});

test('TaskPool.run lets a fast task pass what holds up the slow lane, and close waits for that', async () => {
  const started = 'touch started; while [ ! -e go ]; do sleep 0.02; done; exit 1';
  await withFakeTools({ 'mkfs.ext4': `cd "$(dirname "$0")/.."; ${started}` }, async (dir) => {
    const pool = await TaskPool.open(OPTIONS);
    const mkfs = { fsType: 'ext4', options: [] } as const;
    const spec = { sizeBytes: parseBytes(2 ** 26), mkfs };
    const slow = [1, 2, 3, 4, 5].map((n) =>
      faultOf(pool.run('createBaseFile', { path: join(dir, `${n}.img`), ...spec })),
    );
    const path = join(dir, 'started');
    await until(
      LIMIT_MS,
      () =>
        pool.run('fileAllocated', { path }).then(
          () => true,
          () => null,
        ),
      () => 'no slow task has begun',
    );
    const closed = pool.close();
    assert.is((await faultOf(pool.run('fileAllocated', { path }))).code, 'unavailable');
    await writeFile(join(dir, 'go'), '');
    await withTimeout(closed, LIMIT_MS, 'close');
    await withTimeout(pool.close(), LIMIT_MS, 'another close');
    assert.equal(
      (await Promise.all(slow)).map(({ code }) => code),
      Array(5).fill('io'),
    );
  });
});

// In a process of its own: a thread that spins keeps its process alive, and a pool that has one does not close.
const HANGING = `
  const [, main, shared] = process.argv;
  const { armFailpoints } = await import(shared + '/failpoints.js');
  const { TaskPool } = await import(main + '/task-pool.js');
  armFailpoints('task.fileAllocated.begun=1*hang->1*spin');
  const say = (...words) => console.log(words.join(' '));
  const pool = await TaskPool.open({
    engine: 'auto',
    workers: 2,
    childLock: null,
    hungAfterMs: { fast: 4_000, slow: 60_000, delete: 60_000 },
    onWorkerError: () => undefined,
    onHung: ({ task, subject, lane }) => say('hung', task, subject, lane),
  });
  void pool.run('fileAllocated', { path: '/hangs' });
  void pool.run('fileAllocated', { path: '/spins' });
  // Both threads of the lane are taken: this one waits, and does not hang.
  await pool.run('fileAllocated', { path: '/' });
  say('answered', pool.hung.map(({ subject }) => subject).sort());
  await Promise.all([1, 2, 3].map(() => pool.run('fileAllocated', { path: '/' })));
  say('and again', pool.hung.length);
`;

test('TaskPool.run has a thread in the place of each that hangs, and tells of it once', async () => {
  const from = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
  await withNodeChild(HANGING, [from('../../src/main'), from('../../src/shared')], async (child) => {
    const told = [await child.nextLine(), await child.nextLine()].sort();
    assert.equal(told, ['hung fileAllocated /hangs fast', 'hung fileAllocated /spins fast']);
    assert.is(await child.nextLine(), 'answered /hangs,/spins');
    assert.is(await child.nextLine(), 'and again 2');
    assert.equal(await child.kill(), []);
  });
});

test.run();
