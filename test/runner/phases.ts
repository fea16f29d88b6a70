// The phases of `npm test`, save the guests (guests.ts). Each has a time limit, and what its time did not suffice for has failed.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { leftToTheNight } from './cases.ts';
import { runChild } from './child.ts';
import { addCounts, type Counts, filesWithoutTests, NO_COUNTS, parseCounts } from './counts.ts';
import { print, say } from './report.ts';
import { GONE_WAIT_MS, runTestFile } from './test-file.ts';

/** Whole programmes take longer than samples: how many times as long as these limits. */
const { THINSNAP_TEST_PATIENCE: patience = '1', THINSNAP_NIGHTLY: nightly } = process.env;
export const MINUTE_MS = 60_000 * Number(patience);
/** All phases together. What they take is well below it on an idle machine; a loaded one must not fail them. */
export const RUN_TIMEOUT_MS = 75 * MINUTE_MS;
const GATE_TIMEOUT_MS = 15 * MINUTE_MS;
const HOST_TIMEOUT_MS = 40 * MINUTE_MS;
const HOST_FILE_TIMEOUT_MS = 20 * MINUTE_MS;
export const GUEST_FILE_TIMEOUT_MS = 20 * MINUTE_MS;

export interface Run {
  readonly cwd: string;
  readonly logDir: string;
  /** Short: sockets live under it. */
  readonly tmpDir: string;
  /** Only files whose path holds one of these; none: all files. */
  readonly match: readonly string[];
  /** When everything must have ended, on the clock of performance.now(). */
  readonly deadlineMs: number;
  /** When the last case in a guest may begin, on the same clock. */
  readonly beginByMs: number;
}

/** A phase's time limit, or what is left for all. */
export function capped(run: Run, limitMs: number): number {
  return Math.max(0, Math.min(limitMs, run.deadlineMs - performance.now()));
}

const failures = (failed: number): Counts => ({ passed: 0, failed, skipped: 0 });

/** `npm run ok`; with a pattern, the unit tests that match it and nothing else. */
export async function runGate(run: Run): Promise<Counts> {
  if (run.match.length > 0) {
    const all = await testFiles(run, 'dist/test');
    return runFiles(
      run,
      all.filter((file) => !/^dist\/test\/(vm|e2e|support)\//.test(file)),
    );
  }
  const outcome = await runChild(['npm', 'run', 'ok'], {
    cwd: run.cwd,
    env: process.env,
    timeoutMs: capped(run, GATE_TIMEOUT_MS),
    onOutput: say,
  });
  const empty = filesWithoutTests(outcome.output);
  for (const file of empty) print(`  FAIL  ${file}: ran no test`);
  const counts = addCounts(parseCounts(outcome.output) ?? NO_COUNTS, failures(empty.length));
  const well = outcome.end === 'exit' && outcome.status === 0 && counts.passed > 0;
  if (well || counts.failed > 0) return counts;
  print(`  FAIL  npm run ok: ${outcome.end} ${outcome.status}`);
  return addCounts(counts, failures(1));
}

export async function hostFiles(run: Run): Promise<readonly string[]> {
  return ofThisRun(run, await testFiles(run, 'dist/test/e2e'));
}

export async function vmFiles(run: Run): Promise<readonly string[]> {
  return ofThisRun(run, await testFiles(run, 'dist/test/vm'));
}

/** Without what is left to the night, unless this is one, or it was asked for by a pattern. What is left out is said. */
async function ofThisRun(run: Run, files: readonly string[]): Promise<readonly string[]> {
  if (nightly === '1' || run.match.length > 0) return files;
  const whys = await Promise.all(files.map(leftToTheNight));
  files.forEach((file, index) => {
    if (whys[index] !== null) print(`  left to npm run test:nightly: ${file}: ${whys[index]}`);
  });
  return files.filter((_, index) => whys[index] === null);
}

/** Test files that run here, one after another. */
export async function runFiles(run: Run, files: readonly string[]): Promise<Counts> {
  const deadlineMs = performance.now() + capped(run, HOST_TIMEOUT_MS);
  let counts = NO_COUNTS;
  for (const file of files) {
    const timeoutMs = Math.min(HOST_FILE_TIMEOUT_MS, deadlineMs - performance.now());
    const options = {
      name: file,
      env: process.env,
      cwd: run.cwd,
      logDir: run.logDir,
      tmpDir: run.tmpDir,
      timeoutMs,
      goneWaitMs: GONE_WAIT_MS,
    };
    if (timeoutMs > 0) counts = addCounts(counts, await runTestFile(file, { ...options, scope: 'own' }));
    else counts = addCounts(counts, neverRan(file));
  }
  return counts;
}

export function neverRan(file: string): Counts {
  print(`  FAIL  ${file}: never ran`);
  return failures(1);
}

export function leftOut(name: string): Counts {
  print(`  left out: ${name}: the time of this run is over; THINSNAP_TEST_PATIENCE=4 gives it four times as much`);
  return { passed: 0, failed: 0, skipped: 1 };
}

async function testFiles(run: Run, under: string): Promise<readonly string[]> {
  const entries = await readdir(join(run.cwd, under), { recursive: true }).catch(() => []);
  const files = entries.filter((entry) => entry.endsWith('.test.js')).map((entry) => join(under, entry));
  const { match } = run;
  return files.filter((file) => match.length === 0 || match.some((pattern) => file.includes(pattern))).sort();
}
