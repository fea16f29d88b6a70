// What is there after a reboot, clean or not: three boots of one virtual machine on the same disks, with a pool of each kind. Only
// thinsnapd is started in the later ones; nobody activates anything. Containers start after the last.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Outcome, runChild } from '../runner/child.ts';

/** Three containers start in the last one, on a machine that may do much else. */
const BOOT_TIMEOUT_MS = 600_000;
/** What `test/vm/run` answers when the guest ended without a status. */
const ENDED = 125;

async function boot(disks: string, ...words: readonly string[]): Promise<Outcome> {
  const options = { timeoutMs: BOOT_TIMEOUT_MS, cwd: process.cwd(), env: process.env, onOutput: () => undefined };
  // The guests of other tests keep off the first processor while this machine's own run.
  const guest = ['--lane', '0', '--disks', disks];
  return runChild(['test/vm/run', ...guest, '--', 'node', 'dist/test/vm/support/reboot-stage.js', ...words], options);
}

function hasAll(key: string): string {
  return ['files', 'raw', 'lvm'].map((kind) => `thinsnap-${kind} has ${key}\n`).join('');
}

test('pools on files, on two devices and of LVM’s come back after a clean reboot and after a crash', async () => {
  const disks = await mkdtemp(join(tmpdir(), 'reboots-'));
  try {
    const made = await boot(disks, 'make');
    assert.is(made.status, 0, made.output);
    const crashed = await boot(disks, 'look', 'first', 'crash');
    assert.is(crashed.status, ENDED, crashed.output);
    assert.ok(crashed.output.startsWith(hasAll('first')), crashed.output);
    const after = await boot(disks, 'look', 'second-of-first');
    assert.is(after.status, 0, after.output);
    assert.is(after.output, hasAll('second-of-first'));
  } finally {
    await rm(disks, { recursive: true, force: true });
  }
});

test.run();
