// Runs one compiled test file in a process of its own and judges it: what ran nothing, ended early or left something
// on the machine has failed, whatever its exit status says.

import { mkdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type Outcome, runChild } from './child.ts';
import { addCounts, type Counts, formatCounts, NO_COUNTS, parseCounts } from './counts.ts';
import { Leftovers, type Scope } from './leftovers.ts';
import { print } from './report.ts';

export interface FileOptions {
  /** What the file is called in the output: it may run more than once. */
  readonly name: string;
  readonly env: NodeJS.ProcessEnv;
  /** The repository. */
  readonly cwd: string;
  /** Where the file's output goes, and the logs of the daemons it starts. */
  readonly logDir: string;
  /** The file's own directory for everything else; short, since sockets live in it (107 bytes at most). */
  readonly tmpDir: string;
  readonly scope: Scope;
  readonly timeoutMs: number;
  /** What may still be there when the file has ended gets this long to go: a daemon told to end, a device udev has open. */
  readonly goneWaitMs: number;
}

export const GONE_WAIT_MS = 5_000;

export async function runTestFile(file: string, options: FileOptions): Promise<Counts> {
  const logDir = join(options.logDir, basename(options.name).replace('.test.js', ''));
  await mkdir(logDir, { recursive: true });
  await mkdir(options.tmpDir, { recursive: true });
  const leftovers = new Leftovers(options.scope, options.tmpDir);
  await leftovers.remember();
  const outcome = await runChild([process.execPath, '--enable-source-maps', file], {
    cwd: options.cwd,
    env: { ...options.env, TMPDIR: options.tmpDir, THINSNAP_TEST_LOGS: logDir },
    timeoutMs: options.timeoutMs,
    onOutput: () => undefined,
  });
  await writeFile(join(logDir, 'output.log'), outcome.output);
  const complaints = [
    ...judgeEnd(outcome),
    ...(await leftovers.collect(options.goneWaitMs)).map((what) => `left behind ${what}`),
  ];
  await rm(options.tmpDir, { recursive: true, force: true });
  const counts = parseCounts(outcome.output) ?? NO_COUNTS;
  const judged = addCounts(counts, { passed: 0, failed: complaints.length, skipped: 0 });
  const seconds = (outcome.durationMs / 1000).toFixed(1);
  print(`  ${judged.failed > 0 ? 'FAIL' : 'ok'}  ${options.name}: ${formatCounts(judged)}, ${seconds} s`);
  if (judged.failed > 0) print(outcome.output.trimEnd());
  for (const complaint of complaints) print(`  FAIL  ${options.name}: ${complaint}`);
  return judged;
}

/** What is wrong with how a file ended, beside the tests that it says have failed. */
export function judgeEnd(outcome: Outcome): readonly string[] {
  const counts = parseCounts(outcome.output);
  if (outcome.end === 'timeout') return [`did not end within ${(outcome.durationMs / 1000).toFixed(0)} s`];
  if (counts === null) return [`ended with ${outcome.status} before uvu's summary`];
  if (counts.passed + counts.failed + counts.skipped === 0) return ['ran no test'];
  if (outcome.status !== 0 && counts.failed === 0) return [`ended with ${outcome.status}`];
  return [];
}
