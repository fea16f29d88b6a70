// The worker as Piscina loads it, on whatever machine this is: what it answers, never throws.

import { Piscina } from 'piscina';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withScratch } from '../support/scratch.ts';

async function runInWorker(task: string, args: unknown, workerData: unknown): Promise<unknown> {
  const workers = new Piscina({
    filename: new URL('../../src/workers/entry.js', import.meta.url).href,
    name: 'runTask',
    minThreads: 1,
    maxThreads: 1,
    atomics: 'disabled',
    workerData,
  });
  try {
    return await workers.run({ task, args });
  } finally {
    await workers.destroy();
  }
}

test('runTask() answers the value of a task that needs no device-mapper', async () => {
  await withScratch(async (dir) => {
    const reply = await runInWorker('removeFile', { path: `${dir}/nothing` }, { engine: 'auto' });
    assert.equal(reply, { ok: true, value: undefined });
  });
});

test('runTask() answers a fault with its code when a task fails', async () => {
  await withScratch(async (dir) => {
    const path = `${dir}/nothing`;
    const reply = await runInWorker('fileAllocated', { path }, { engine: 'auto' });
    assert.equal(reply, {
      ok: false,
      fault: { code: 'not-found', message: `Cannot look at ${path}: ENOENT`, leaves: 'something' },
    });
  });
});

test('runTask() answers a bug when the worker was started without its setup', async () => {
  const reply = await runInWorker('probe', {}, { engine: 'magic' });
  const message = 'a worker was started without its setup';
  assert.equal(reply, { ok: false, fault: { code: 'bug', message, leaves: 'something' } });
});

test.run();
