// The third phase: test files that run in a guest (test/vm/run). Under User Mode Linux, which has one processor, each case has a
// guest of its own and there are as many at once as this machine has processors, but for one while the second phase runs, which
// keeps about one busy; qemu takes all of them, so that one guest after another does all its cases when that has ended.

import { mkdir, readFile } from 'node:fs/promises';
import { availableParallelism, freemem } from 'node:os';
import { basename, join } from 'node:path';
import { type Case, GUESTS, type Guest, type Machine, readCases } from './cases.ts';
import { type Outcome, runChild } from './child.ts';
import { addCounts, type Counts, NO_COUNTS } from './counts.ts';
import { capped, leftOut, MINUTE_MS, neverRan, type Run } from './phases.ts';
import { print, say } from './report.ts';

/**
 * No case begins after that much of a run: on a machine that is slow the last ones are left out, which is said and counted, and
 * all the same the run ends in time.
 */
export const GUESTS_BEGIN_MS = 38 * MINUTE_MS;
/** What this phase has all the same. */
const BEGIN_MS_MIN = 4 * MINUTE_MS;
/** Of each boot. */
const GUEST_TIMEOUT_MS = 35 * MINUTE_MS;
/** What the guest needs to end by itself before it is ended. */
const GUEST_MARGIN_MS = MINUTE_MS / 2;
const WHICH_TIMEOUT_MS = 60_000;
/** What a guest may take: its own memory, and what runs it. */
const GUEST_BYTES = 5 * 2 ** 30;

interface Boot {
  readonly machine: Machine;
  readonly guest: Guest;
  readonly cases: readonly Case[];
}

/** `host` ends when this machine's own tests have. */
export async function runGuests(run: Run, files: readonly string[], host: Promise<unknown>): Promise<Counts> {
  const beginBy = Math.max(run.beginByMs, performance.now() + BEGIN_MS_MIN);
  const all = (await Promise.all(GUESTS.flatMap((guest) => files.map((file) => readCases(file, guest))))).flat();
  const boots = toBoots(inRounds(all), await machineOf(run));
  let counts = NO_COUNTS;
  const lane = async (queue: Boot[], options: { readonly lane: number; readonly isAlone: boolean }): Promise<void> => {
    if (options.lane === 0) await host;
    for (let boot = queue.shift(); boot !== undefined; boot = queue.shift()) {
      const own = await runBoot(run, boot, { ...options, beginBy });
      // Not in one expression: another lane has added to it meanwhile.
      counts = addCounts(counts, own);
    }
  };
  const single = boots.filter(({ machine }) => machine === 'uml');
  const lanes = Math.max(1, Math.min(availableParallelism(), Math.floor(freemem() / GUEST_BYTES)));
  await Promise.all(Array.from({ length: lanes }, (_, at) => lane(single, { lane: at, isAlone: false })));
  await lane(
    boots.filter(({ machine }) => machine === 'qemu'),
    { lane: 0, isAlone: true },
  );
  return counts;
}

/** One for each case under User Mode Linux, one for each kind of guest under qemu. */
export function toBoots(cases: readonly Case[], machine: Machine): readonly Boot[] {
  const suits = (each: Case): Machine => (each.qemu ? 'qemu' : machine);
  const single = cases
    .filter((each) => suits(each) === 'uml')
    .map((each) => ({ machine: 'uml', guest: each.guest, cases: [each] }) as const);
  const together = GUESTS.map(
    (guest) =>
      ({
        machine: 'qemu',
        guest,
        cases: cases.filter((each) => each.guest === guest && suits(each) === 'qemu'),
      }) as const,
  );
  return [...single, ...together.filter((boot) => boot.cases.length > 0)];
}

/** Each file's first case, then their second ones, and so on: what there may be no time for is what differs least from what ran. */
export function inRounds(cases: readonly Case[]): readonly Case[] {
  const roundOf = (each: Case): number => cases.filter(({ file }) => file === each.file).indexOf(each);
  return cases.toSorted((one, other) => roundOf(one) - roundOf(other));
}

/** What `test/vm/run` boots here. */
async function machineOf(run: Run): Promise<Machine> {
  const options = { cwd: run.cwd, env: process.env, timeoutMs: WHICH_TIMEOUT_MS, onOutput: () => undefined };
  const { output } = await runChild(['test/vm/run', '--which'], options);
  return output.trim() === 'uml' ? 'uml' : 'qemu';
}

interface BootOptions {
  readonly lane: number;
  /** What it says is shown as it comes, and not at its end. */
  readonly isAlone: boolean;
  /** When a case may begin at the latest, on the clock of performance.now(). */
  readonly beginBy: number;
}

async function runBoot(run: Run, boot: Boot, options: BootOptions): Promise<Counts> {
  const { guest, cases } = boot;
  const names = cases.map(({ name }) => name);
  if (performance.now() > options.beginBy) return names.map(leftOut).reduce(addCounts, NO_COUNTS);
  const kind = `guest ${guest === 'udev' ? 'with' : 'without'} udevd`;
  if (options.isAlone) print(`\n--- ${kind}`);
  const out = join(
    run.logDir,
    ['vm', guest, ...(options.isAlone ? [] : names.map((name) => basename(name)))].join('-'),
  );
  const { output, durationMs } = await bootGuest(run, boot, { ...options, out });
  if (!options.isAlone) say(output);
  print(`    ${kind}: ${(durationMs / 1000).toFixed(0)} s`);
  const results = parseResults(await readFile(join(out, 'results'), 'utf8').catch(() => ''));
  return names.map((name) => results.get(name) ?? neverRan(name)).reduce(addCounts, NO_COUNTS);
}

async function bootGuest(
  run: Run,
  { machine, guest, cases }: Boot,
  { lane, isAlone, beginBy, out }: BootOptions & { readonly out: string },
): Promise<Outcome> {
  const limitMs = capped(run, GUEST_TIMEOUT_MS);
  await mkdir(out, { recursive: true });
  const options = [
    '--machine',
    machine,
    '--lane',
    String(lane),
    '--out',
    out,
    '--timeout',
    (limitMs / 1000).toFixed(0),
  ];
  const limits = [beginBy - performance.now(), limitMs - GUEST_MARGIN_MS].map((ms) => ms.toFixed(0));
  const driver = [process.execPath, 'dist/test/runner/guest.js', guest, ...limits, ...cases.map(({ name }) => name)];
  return runChild(['test/vm/run', ...(guest === 'udev' ? ['--udev'] : []), ...options, '--', ...driver], {
    cwd: run.cwd,
    env: process.env,
    timeoutMs: limitMs + GUEST_MARGIN_MS,
    onOutput: (text) => {
      if (isAlone) say(text);
    },
  });
}

/** Lines "PASSED FAILED SKIPPED NAME", one for each case that was judged; see runner/guest.ts. */
export function parseResults(text: string): ReadonlyMap<string, Counts> {
  const results = new Map<string, Counts>();
  for (const [, passed, failed, skipped, file = ''] of text.matchAll(/^(\d+) (\d+) (\d+) (\S+)$/gm)) {
    results.set(file, { passed: Number(passed), failed: Number(failed), skipped: Number(skipped) });
  }
  return results;
}
