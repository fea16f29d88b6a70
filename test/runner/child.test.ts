// A command that runs for ever, or leaves something running, must not hold the whole run.

import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { runChild } from './child.ts';

const END_LIMIT_MS = 20_000;
const END_POLL_MS = 10;

/** A killed process has a moment to end in, and another as a zombie until its new parent looks. */
async function endOf(pid: number): Promise<'ended' | 'runs'> {
  const deadlineMs = performance.now() + END_LIMIT_MS;
  while (performance.now() < deadlineMs) {
    const state = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => 'gone');
    if (/^gone$|\) [ZX] /.test(state)) return 'ended';
    await sleep(END_POLL_MS);
  }
  return 'runs';
}

const OPTIONS = { timeoutMs: 60_000, cwd: process.cwd(), env: process.env, onOutput: () => undefined };

test('runChild() answers the exit status and all output of a command', async () => {
  const outcome = await runChild(['sh', '-c', 'echo out; echo err >&2; exit 3'], OPTIONS);
  assert.is(outcome.end, 'exit');
  assert.is(outcome.status, 3);
  assert.match(outcome.output, /out/);
  assert.match(outcome.output, /err/);
});

test('runChild() ends a command at its time limit', async () => {
  const outcome = await runChild(['sleep', '1000'], { ...OPTIONS, timeoutMs: 50 });
  assert.is(outcome.end, 'timeout');
});

test('runChild() tells a command that a signal ended', async () => {
  const outcome = await runChild(['sh', '-c', 'kill -KILL $$'], OPTIONS);
  assert.is(outcome.end, 'signal');
  assert.is(outcome.status, 'SIGKILL');
});

test('runChild() does not wait for a process that the command left behind, and ends it', async () => {
  const outcome = await runChild(['sh', '-c', 'sleep 1000 & echo $!'], OPTIONS);
  assert.is(outcome.end, 'exit');
  assert.is(await endOf(Number(outcome.output)), 'ended');
});

test('runChild() throws when the command cannot be started', async () => {
  const missing = await runChild(['/nonexistent/command'], OPTIONS).catch((error: unknown) => error);
  assert.instance(missing, Error);
});

test.run();
