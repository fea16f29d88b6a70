// Tools that outlive who started them, with real processes: they are ended, or nobody goes on.

import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inheritInTools } from '../../../src/workers/exec.ts';
import { fenceOrphans } from '../../../src/workers/tasks/fence-orphans.ts';
import { faultOf } from '../../support/faults.ts';
import { withNodeChild } from '../../support/node-child.ts';
import { isAtWork } from '../../support/process-facts.ts';
import { withScratch } from '../../support/scratch.ts';

const test = suite('fenceOrphans()');

const LIMIT_MS = 20_000;
/** Far less than what outlives its parent here. */
const SHORT_MS = 600;

/** Has the lock, starts a tool that has it too, and says which process that is. */
const PARENT = `
  import { spawn, spawnSync } from 'node:child_process';
  import { openSync } from 'node:fs';
  const [, path, place] = process.argv;
  const lock = openSync(path, 'a');
  spawnSync('flock', ['--exclusive', '3'], { stdio: ['ignore', 'ignore', 'ignore', lock] });
  const stdio = ['ignore', 'ignore', 'ignore', ...(place === '3' ? [lock] : ['ignore', lock])];
  console.log(String(spawn('sleep', ['1000'], { detached: true, stdio }).pid));
`;

async function withLock(action: (lockPath: string) => Promise<void>): Promise<void> {
  await withScratch(async (dir) => {
    const lockPath = join(dir, 'tools.lock');
    const handle = await open(lockPath, 'a');
    inheritInTools(handle.fd);
    try {
      await action(lockPath);
    } finally {
      inheritInTools(null);
      await handle.close();
    }
  });
}

/** With a tool whose parent was killed, and which has the lock at descriptor `place`. */
async function withOrphan(lockPath: string, place: string, action: (pid: number) => Promise<void>): Promise<void> {
  let pid = 0;
  await withNodeChild(PARENT, [lockPath, place], async (parent) => {
    pid = Number(await parent.nextLine());
    await parent.kill();
  });
  assert.ok(await isAtWork(pid));
  try {
    await action(pid);
  } finally {
    if (await isAtWork(pid)) process.kill(pid, 'SIGKILL');
  }
}

test('fenceOrphans() finds nothing where nothing is left', () =>
  withLock(async (lockPath) => {
    assert.equal(await fenceOrphans({ lockPath, limitMs: LIMIT_MS }), []);
  }));

test('fenceOrphans() ends a tool whose daemon was killed', () =>
  withLock((lockPath) =>
    withOrphan(lockPath, '3', async (pid) => {
      assert.equal(await fenceOrphans({ lockPath, limitMs: LIMIT_MS }), [`sleep (process ${pid})`]);
      assert.not(await isAtWork(pid));
    }),
  ));

test('fenceOrphans() refuses to go on while the lock is not free', () =>
  withLock((lockPath) =>
    withOrphan(lockPath, '4', async () => {
      const fault = await faultOf(fenceOrphans({ lockPath, limitMs: SHORT_MS }));
      assert.is(fault.code, 'unavailable');
      assert.match(fault.message, /^Cannot start: a process, which an earlier thinsnapd started, does not end/);
    }),
  ));

test.run();
