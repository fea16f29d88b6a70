// `npm run bench:vm`: boots the virtual machine of the tests once without a udevd and once with one, races containerd's
// own devmapper snapshotter and thinsnap in it, and prints one table for each. docs/bench.md says how to read it.

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { GUESTS, type Guest, MACHINES, type Machine } from '../../test/runner/cases.ts';
import { FULL, type Plan, planOf } from './plan.ts';
import { type DatedResult, type GuestResult, type ResultFile, readResults } from './results.ts';
import { scaleTableOf } from './scale-table.ts';
import { showTable } from './show-table.ts';
import { tableOf, warningsOf } from './table.ts';

const USAGE = `Races containerd's devmapper snapshotter and thinsnap in a virtual machine; as root.

Usage: npm run bench:vm -- [options]

Options:
  --scale          thinsnap alone, with ${FULL.present.join(', ')} snapshots present
  --quick          fewer calls of everything: a first look in a few minutes, no figures to quote
  --guest GUEST    plain (no udevd) or udev; otherwise both, one after the other
  --machine NAME   qemu, two processors (the default), or uml: User Mode Linux, one processor at this machine's speed
  --limit SECONDS  end each guest after so long (3600) and keep what was measured until then
  --workers N      thinsnap's threads; otherwise its own choice
  --show           print the tables of the last run again
`;
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const RESULTS = join(ROOT, 'bench/results');
const GUEST_LIMIT_S = 3_600;
const GUEST_MEMORY = '4G';

const run = promisify(execFile);

interface Options {
  readonly scale: boolean;
  readonly quick: boolean;
  readonly show: boolean;
  readonly guests: readonly Guest[];
  readonly machine: Machine;
  readonly workers: number;
  readonly limitS: number;
}

function parseOptions(): Options {
  const { values } = parseArgs({
    options: {
      scale: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      show: { type: 'boolean', default: false },
      guest: { type: 'string' },
      machine: { type: 'string', default: 'qemu' },
      limit: { type: 'string', default: String(GUEST_LIMIT_S) },
      workers: { type: 'string', default: '0' },
    },
  });
  const { guest, scale, quick, show } = values;
  const guests = GUESTS.filter((each) => guest === undefined || guest === each);
  const machine = MACHINES.find((each) => each === values.machine);
  if (
    guests.length === 0 ||
    machine === undefined ||
    ![values.workers, values.limit].every((number) => /^\d+$/.test(number))
  )
    throw new Error(`Cannot run that.\n\n${USAGE}`);
  // A udevd changes what a device costs, not what a number of them costs.
  return {
    quick,
    show,
    scale,
    machine,
    guests: scale && guest === undefined ? ['plain'] : guests,
    workers: Number(values.workers),
    limitS: Number(values.limit),
  };
}

/** What the guest measured, also when it did not end well: an hour's figures are not thrown away for the last one. */
async function measure(programs: string, plan: Plan, { machine, limitS }: Options): Promise<GuestResult> {
  const out = await mkdtemp(join(tmpdir(), 'thinsnap-bench-'));
  try {
    const options = ['--machine', machine, '--out', out, '--timeout', String(limitS), '--mem', GUEST_MEMORY];
    if (plan.guest === 'udev') options.push('--udev');
    const inGuest = [process.execPath, 'dist/bench/vm/guest.js', programs, JSON.stringify(plan)];
    const child = spawn('test/vm/run', [...options, '--', ...inGuest], { cwd: ROOT, stdio: 'inherit' });
    const [status]: unknown[] = await once(child, 'exit');
    if (status !== 0) {
      process.exitCode = 1;
      process.stderr.write(`The guest ended with ${String(status)}: what was measured until then is kept\n`);
    }
    // The one cast: the guest's half of this program has written it.
    return JSON.parse(await readFile(join(out, 'result.json'), 'utf8')) as GuestResult;
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

async function outputOf(command: string, ...args: readonly string[]): Promise<string> {
  return (await run(command, args, { cwd: ROOT })).stdout.trim();
}

/** Of a Debian package. */
async function versionOf(name: string): Promise<string> {
  const status = await outputOf('dpkg-query', '--status', name);
  return /^Version: (.*)$/m.exec(status)?.[1] ?? '';
}

/** The machine as the tables name it. */
async function nameOf(machine: Machine): Promise<string> {
  if (machine === 'uml') return `User Mode Linux, 1 processor, ${GUEST_MEMORY} of memory`;
  const cache = await outputOf('test/vm/prepare');
  const accel = (await readFile(join(cache, 'accel'), 'utf8')).trim();
  return `qemu, ${accel}, 2 processors, ${GUEST_MEMORY} of memory`;
}

async function describe(plan: Plan, machine: Machine): Promise<Record<string, string>> {
  return {
    date: new Date().toISOString(),
    thinsnap: await outputOf('git', 'describe', '--always', '--dirty'),
    peer: `containerd ${await versionOf('golang-github-containerd-containerd-dev')}`,
    machine: await nameOf(machine),
    host: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`,
    node: process.version,
    // Above the 2 processors of the guest, something else took part.
    load: `${loadavg()[1]?.toFixed(1)} in the last 5 minutes`,
    workers: plan.workers === 0 ? 'its own choice' : String(plan.workers),
  };
}

function print(result: DatedResult, scale: boolean): void {
  const about = Object.entries({ kernel: result.kernel, ...result.about }).map(([name, value]) => `${name}: ${value}`);
  process.stdout.write(`\nGuest ${result.guest === 'udev' ? 'with' : 'without'} udevd. ${about.join('; ')}\n\n`);
  process.stdout.write(showTable(scale ? scaleTableOf(result) : tableOf(result)));
  for (const warning of warningsOf(result)) process.stdout.write(`Not to be relied on: ${warning}\n`);
}

async function main(): Promise<void> {
  const options = parseOptions();
  const suffix = options.machine === 'uml' ? '-uml' : '';
  const path = join(RESULTS, `${options.scale ? 'scale' : 'race'}${suffix}.json`);
  let results: ResultFile = await readResults(path);
  if (!options.show) {
    const programs = (await outputOf('bench/peer/build')).split('\n').at(-1) ?? '';
    await mkdir(RESULTS, { recursive: true });
    for (const guest of options.guests) {
      const plan = planOf({ ...options, guest });
      const result = await measure(programs, plan, options);
      results = { ...results, [guest]: { ...result, about: await describe(plan, options.machine) } };
      await writeFile(path, JSON.stringify(results));
    }
  }
  for (const guest of options.guests) {
    const result = results[guest];
    if (result !== undefined) print(result, options.scale);
  }
}

await main();
