// Runs test files inside a guest (test/vm/run), each on bare disks, and writes a line about each to /mnt/out/results as
// soon as it is known: a later file may take the guest down with it.
//
//   node dist/test/runner/guest.js MILLISECONDS FILE...

import { appendFile } from 'node:fs/promises';
import { runChild } from './child.ts';
import { GUEST_FILE_TIMEOUT_MS, neverRan } from './phases.ts';
import { GONE_WAIT_MS, runTestFile } from './test-file.ts';

const OUT = '/mnt/out';
// A tmpfs: files on the overlay that is the guest's root have no reflink and no real directory sync.
const TMP = '/run/thinsnap-test';
const DISKS = ['/dev/vda', '/dev/vdb'];
const DISCARD_TIMEOUT_MS = 60_000;

const [limitMs = '', ...files] = process.argv.slice(2);
const deadlineMs = performance.now() + Number(limitMs);

/** The disks read as zeros afterwards: the host punches holes into their images. */
async function discardDisks(): Promise<void> {
  for (const disk of DISKS) {
    const options = { timeoutMs: DISCARD_TIMEOUT_MS, cwd: '/', env: process.env, onOutput: () => undefined };
    const outcome = await runChild(['blkdiscard', '-f', disk], options);
    if (outcome.status !== 0) throw new Error(`Cannot discard ${disk}: ${outcome.output}`);
  }
}

for (const file of files) {
  const timeoutMs = Math.min(GUEST_FILE_TIMEOUT_MS, deadlineMs - performance.now());
  if (timeoutMs <= 0) {
    neverRan(file);
    continue;
  }
  await discardDisks();
  const counts = await runTestFile(file, {
    cwd: process.cwd(),
    logDir: OUT,
    tmpDir: TMP,
    scope: 'machine',
    timeoutMs,
    goneWaitMs: GONE_WAIT_MS,
  });
  await appendFile(`${OUT}/results`, `${counts.passed} ${counts.failed} ${counts.skipped} ${file}\n`);
}
