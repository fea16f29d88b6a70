// Runs everything that is tested and ends with one line: "N passed, N failed". See test/run, which prepares it.

import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { killAll } from './child.ts';
import { addCounts, type Counts, formatCounts, NO_COUNTS } from './counts.ts';
import { GUESTS_BEGIN_MS, runGuests } from './guests.ts';
import { hostFiles, RUN_TIMEOUT_MS, type Run, runFiles, runGate, vmFiles } from './phases.ts';
import { failuresSaid, print } from './report.ts';

const USAGE = `npm test -- [--only gate|host|vm]... [--match PATTERN]...

  --only PHASE     gate: format, lint, types, unit tests; host: whole daemons on this machine (root);
                   vm: what needs a real device-mapper, in a virtual machine (root)
  --match PATTERN  only the test files whose path holds one of the PATTERNs`;

const PHASES = ['gate', 'host', 'vm'] as const;
type Phase = (typeof PHASES)[number];

function parsePhase(word: string): Phase {
  const phase = PHASES.find((name) => name === word);
  if (phase === undefined) throw new Error(`Cannot run phase "${word}": it is none of ${PHASES.join(', ')}`);
  return phase;
}

/** `host` is what the phase of that name comes to, for the one after it. */
async function runPhase(phase: Phase, run: Run, host: Promise<Counts>): Promise<Counts> {
  if (phase === 'gate') return runGate(run);
  const files = phase === 'host' ? await hostFiles(run) : await vmFiles(run);
  if (process.getuid?.() !== 0 && files.length > 0) {
    print(`  left out: ${files.length} test files, because they need root`);
    return { passed: 0, failed: 0, skipped: files.length };
  }
  return phase === 'host' ? runFiles(run, files) : runGuests(run, files, host);
}

async function runTimed(phase: Phase, run: Run, host: Promise<Counts>): Promise<Counts> {
  print(`\n=== ${phase}`);
  const startMs = performance.now();
  const counts = await runPhase(phase, run, host);
  print(`=== ${phase}: ${formatCounts(counts)}, ${((performance.now() - startMs) / 1000).toFixed(0)} s`);
  return counts;
}

/** One after the other, save that guests may run beside this machine's own tests. */
async function runPhases(phases: ReadonlySet<Phase>, run: Run): Promise<Counts> {
  const none = Promise.resolve(NO_COUNTS);
  const gate = phases.has('gate') ? await runTimed('gate', run, none) : NO_COUNTS;
  const host = phases.has('host') ? runTimed('host', run, none) : none;
  const vm = phases.has('vm') ? runTimed('vm', run, host) : none;
  return (await Promise.all([host, vm])).reduce(addCounts, gate);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true, default: [...PHASES] },
      match: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    print(USAGE);
    return 0;
  }
  const phases = new Set(values.only.map(parsePhase));
  // Not under TMPDIR: that may be deep, and the path of a socket has 107 bytes.
  const dir = await mkdtemp('/tmp/thinsnap-test-');
  // Some tests act as another user too, who must get to what is meant for it.
  await chmod(dir, 0o711);
  const run: Run = {
    cwd: process.cwd(),
    logDir: join(dir, 'logs'),
    tmpDir: join(dir, 'tmp'),
    match: values.match,
    deadlineMs: performance.now() + RUN_TIMEOUT_MS,
    beginByMs: performance.now() + GUESTS_BEGIN_MS,
  };
  const counts = await runPhases(phases, run);
  const well = counts.failed === 0 && counts.passed > 0;
  if (counts.passed + counts.failed === 0) print('Nothing ran.');
  if (counts.failed === 0) await rm(dir, { recursive: true, force: true });
  else print(`\n=== failed\n${failuresSaid()}\nLogs: ${run.logDir}`);
  print(`\n${formatCounts(counts)}`);
  return well ? 0 : 1;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    killAll('SIGTERM');
    process.exitCode = 130;
    print(`Ended by ${signal}`);
    process.exit();
  });
}

try {
  process.exitCode = await main();
} catch (error) {
  print(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  process.exitCode = 2;
}
