// Runs one compiled test file in a process of its own and judges it: what ran nothing, ended early or left something
// on the machine has failed, whatever its exit status says.

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type Outcome, runChild } from './child.ts';
import { addCounts, type Counts, formatCounts, NO_COUNTS, parseCounts } from './counts.ts';
import { Leftovers, type Scope } from './leftovers.ts';

export interface FileOptions {
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
  const logDir = join(options.logDir, basename(file, '.test.js'));
  await mkdir(logDir, { recursive: true });
  await mkdir(options.tmpDir, { recursive: true });
  const leftovers = new Leftovers(options.scope, options.tmpDir);
  await leftovers.remember();
  const outcome = await runChild([process.execPath, '--enable-source-maps', file], {
    cwd: options.cwd,
    env: { ...process.env, TMPDIR: options.tmpDir, THINSNAP_TEST_LOGS: logDir },
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
  print(`  ${judged.failed > 0 ? 'FAIL' : 'ok'}  ${file}: ${formatCounts(judged)}, ${seconds} s`);
  if (judged.failed > 0) print(outcome.output.trimEnd());
  for (const complaint of complaints) print(`  ${file} ${complaint}`);
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

export const GUESTS = ['plain', 'udev'] as const;
export type Guest = (typeof GUESTS)[number];

/** The guests that a file of test/vm asks for with a line "// vm: udev" or "// vm: both"; without one, the plain one. */
export function parseGuests(source: string): readonly Guest[] {
  const word = /^\/\/ vm: *(.*)$/m.exec(source)?.[1] ?? 'plain';
  if (word === 'both') return GUESTS;
  const guest = GUESTS.find((name) => name === word);
  if (guest === undefined) throw new Error(`Cannot choose a guest: "// vm: ${word}" is none of plain, udev, both`);
  return [guest];
}

export async function readGuests(file: string): Promise<readonly Guest[]> {
  return parseGuests(await readFile(file, 'utf8'));
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
