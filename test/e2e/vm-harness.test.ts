// The virtual machine's harness: what it answers, and what it leaves. Each test is a boot of a few seconds.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Outcome, runChild } from '../runner/child.ts';

const BOOT_TIMEOUT_MS = 120_000;

const OPTIONS = {
  timeoutMs: BOOT_TIMEOUT_MS,
  cwd: process.cwd(),
  env: process.env,
  onOutput: () => undefined,
};

async function run(...args: readonly string[]): Promise<Outcome> {
  return runChild(['test/vm/run', ...args], OPTIONS);
}

test('test/vm/run passes on the status, the output as it is, and what was written under /mnt/out', async () => {
  // A case's name is in the directory's: "loop" and "ro" are options of mount, which parts them at commas.
  const dir = await mkdtemp(join(tmpdir(), 'harness-'));
  const out = join(dir, 'of a case,loop,ro');
  try {
    const outcome = await run(
      '--out',
      out,
      '--',
      'sh',
      '-c',
      'dmsetup targets >/mnt/out/targets; printf "a\\n\\tb"; exit 7',
    );
    assert.is(outcome.status, 7, outcome.output);
    assert.is(outcome.output, 'a\n\tb');
    assert.match(await readFile(join(out, 'targets'), 'utf8'), /^thin-pool /m);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});

test('test/vm/run keeps the disks for a second boot, and nothing else', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'harness-'));
  const file = join(dir, 'only-in-the-guest');
  try {
    const first = await run(
      '--udev',
      '--disks',
      dir,
      '--',
      'sh',
      '-c',
      `echo kept >/dev/vda; touch ${file}; pgrep udevd`,
    );
    assert.is(first.status, 0, first.output);
    const second = await run(
      '--disks',
      dir,
      '--',
      'sh',
      '-c',
      `head -c 4 /dev/vda; test ! -e ${file} && ! pgrep udevd`,
    );
    assert.is(second.output, 'kept');
    assert.is(second.status, 0);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});

test('a guest has nothing of the thinsnap that this machine runs', async () => {
  // A machine that has one, as the guest's kernel sees it: it sees what its own processes here do.
  const there = 'mount -t tmpfs none /var/lib && mkdir /var/lib/thinsnap && touch /var/lib/thinsnap/catalog.json';
  const look = 'test -d /var/lib && ls /var/lib && test ! -e /var/lib/thinsnap';
  const command = ['unshare', '--mount', 'sh', '-c', `${there} && exec test/vm/run -- sh -c '${look}'`];
  const { status, output } = await runChild(command, OPTIONS);
  assert.is(output, '');
  assert.is(status, 0);
});

test('test/vm/run answers 124 when the time is up, and leaves no process', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'harness-'));
  try {
    const command = ['test/vm/run', '--timeout', '2', '--', 'sleep', '1000'];
    const outcome = await runChild(command, { ...OPTIONS, env: { ...process.env, TMPDIR: dir } });
    assert.is(outcome.status, 124, outcome.output);
    assert.is((await runChild(['pgrep', '--full', '--list-full', `${dir}/`], OPTIONS)).output, '');
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});

test('test/vm/run answers 125 and the last words of a kernel that dies', async () => {
  const outcome = await run('--', 'sh', '-c', 'echo c >/proc/sysrq-trigger; sleep 1000');
  assert.is(outcome.status, 125);
  assert.match(outcome.output, /sysrq/);
});

test.run();
