// Runs test files inside a guest (test/vm/run), each case on bare disks or a new pool, and writes a line about each to
// /mnt/out/results as soon as it is known: a later one may take the guest down with it.
//
//   node dist/test/runner/guest.js plain|udev BEGIN_MS LIMIT_MS CASE...
//
// No case begins after BEGIN_MS, and what was not done after LIMIT_MS has failed.

import { appendFile } from 'node:fs/promises';
import { type Case, GUESTS, type Guest, readCases } from './cases.ts';
import { runChild } from './child.ts';
import { addCounts, type Counts, NO_COUNTS } from './counts.ts';
import { GUEST_FILE_TIMEOUT_MS, leftOut, neverRan } from './phases.ts';
import { print } from './report.ts';
import { GONE_WAIT_MS, runTestFile } from './test-file.ts';

const OUT = '/mnt/out';
// A tmpfs: the overlay that is the guest's root is slower, and no real file system to a loop device.
const TMP = '/run/thinsnap-test';
const TOOL_TIMEOUT_MS = 120_000;
const DATA = '/dev/vda';
const METADATA = '/dev/vdb';
const POOL = 'thinsnap-test';
const POOL_BLOCK_SECTORS = 128;

const [wanted = '', beginMs = '', limitMs = '', ...names] = process.argv.slice(2);
const guest = GUESTS.find((name) => name === wanted);
if (guest === undefined) throw new Error(`There is no guest "${wanted}"`);
const beginByMs = performance.now() + Number(beginMs);
const deadlineMs = performance.now() + Number(limitMs);

async function tool(...command: readonly string[]): Promise<string> {
  const options = { timeoutMs: TOOL_TIMEOUT_MS, cwd: '/', env: process.env, onOutput: () => undefined };
  const outcome = await runChild(command, options);
  if (outcome.status !== 0)
    throw new Error(`${command.join(' ')}: ${outcome.end} ${outcome.status}: ${outcome.output}`);
  return outcome.output;
}

async function makePool(): Promise<void> {
  const sectors = (await tool('blockdev', '--getsz', DATA)).trim();
  await tool(
    'dmsetup',
    'create',
    POOL,
    '--table',
    `0 ${sectors} thin-pool ${METADATA} ${DATA} ${POOL_BLOCK_SECTORS} 0`,
  );
}

/** What dmtest does after each of its tests: whatever happened, the pool's metadata must be sound. */
async function checkPool(): Promise<Counts> {
  try {
    await tool('dmsetup', 'remove', '--retry', POOL);
    await tool('thin_check', METADATA);
    return NO_COUNTS;
  } catch (error) {
    print(`  FAIL  ${POOL} afterwards: ${error instanceof Error ? error.message : String(error)}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

/** The disks read as zeros then: holes are punched into their images. Under User Mode Linux that takes half a minute. */
async function discardDisks(): Promise<void> {
  await tool('blkdiscard', '-f', DATA);
  await tool('blkdiscard', '-f', METADATA);
}

async function runCase(each: Case, timeoutMs: number): Promise<Counts> {
  // The first one finds them as they were made.
  if (each.name !== names[0]) await discardDisks();
  if (each.pool) await makePool();
  const counts = await runTestFile(each.file, {
    name: each.name,
    cwd: process.cwd(),
    env: { ...process.env, ...each.env, ...(each.pool ? { THINSNAP_TEST_POOL: POOL } : {}) },
    logDir: OUT,
    tmpDir: TMP,
    scope: 'machine',
    timeoutMs,
    goneWaitMs: GONE_WAIT_MS,
  });
  return each.pool ? addCounts(counts, await checkPool()) : counts;
}

async function findCase(name: string, kind: Guest): Promise<Case> {
  const [file = ''] = name.split(',');
  const found = (await readCases(file, kind)).find((each) => each.name === name);
  if (found === undefined) throw new Error(`There is no case "${name}" for a guest "${kind}"`);
  return found;
}

async function judge(each: Case): Promise<Counts> {
  if (performance.now() > beginByMs) return leftOut(each.name);
  const timeoutMs = Math.min(GUEST_FILE_TIMEOUT_MS, deadlineMs - performance.now());
  return timeoutMs > 0 ? runCase(each, timeoutMs) : neverRan(each.name);
}

for (const name of names) {
  const { passed, failed, skipped } = await judge(await findCase(name, guest));
  await appendFile(`${OUT}/results`, `${passed} ${failed} ${skipped} ${name}\n`);
}
