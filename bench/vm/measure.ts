// The race: which measurements each side runs, and with which settings. Sync and async are both sides' own settings,
// compared like with like; `standby` is thinsnap's alone.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Counts, CYCLE_CLIENTS, type Plan } from './plan.ts';
import type { Measurement, Phase } from './results.ts';
import { hasStandby, type Side, startPeer, startThinsnap } from './sides.ts';
import { POOL, thinIds, withStage } from './stage.ts';

const LOAD_LIMIT_MS = 20 * 60_000;
const OUTPUT_BYTES_MAX = 64 * 2 ** 20;
const USAGE_AT_ONCE = 16;
const BUSY_LIMIT = '15s';
/** Long enough that a standby which makes way for others has not only paused. */
const SETTLED_AFTER = '2s';

export interface Load {
  readonly programs: string;
  readonly plan: Plan;
  readonly record: (measurement: Measurement) => Promise<void>;
}

export type LoadOptions = Readonly<Record<string, string | number>>;

const run = promisify(execFile);

/** Runs one measurement of bench/peer/load. */
export async function runLoad(programs: string, name: string, options: LoadOptions): Promise<readonly Phase[]> {
  const args = Object.entries(options).map(([key, value]) => `-${key}=${value}`);
  say(`${name} ${args.filter((arg) => !arg.startsWith('-socket')).join(' ')}`);
  const { stdout } = await run(join(programs, 'load'), [name, ...args], {
    timeout: LOAD_LIMIT_MS,
    maxBuffer: OUTPUT_BYTES_MAX,
  });
  // The one cast: the program is built beside this, from the same commit.
  return JSON.parse(stdout) as Phase[];
}

export function say(text: string): void {
  process.stdout.write(`${(performance.now() / 1000).toFixed(0).padStart(5)} s  ${text}\n`);
}

/** The floor of a miss. */
export async function measureBare({ programs, plan, record }: Load): Promise<void> {
  for (const threads of plan.bareThreads) {
    await withStage(async () => {
      const options = { pool: POOL, threads, count: plan.thinsnap.burst, rounds: plan.bareRounds, 'warm-up': 1 };
      const phases = await runLoad(programs, 'bare', options);
      await record({ side: 'bare', variant: `${threads} threads`, name: 'bare', phases, figures: {} });
    });
  }
}

/** Turn by turn, what is compared next to each other: other work on the host comes and goes, and should meet both. */
export async function measureRace(load: Load): Promise<void> {
  await measureThinsnap(load, { variant: 'sync', asyncRemove: false, standby: false }, ALL_ROWS);
  await measurePeer(load, { variant: 'sync', asyncRemove: false, counts: load.plan.peer }, ALL_ROWS);
  if (hasStandby()) {
    await measureThinsnap(load, { variant: 'standby', asyncRemove: true, standby: true }, ['burst', 'cycle']);
  }
  await measureThinsnap(load, { variant: 'async', asyncRemove: true, standby: false }, REMOVAL_ROWS);
  const { peer } = load.plan;
  const counts = { ...peer, burst: peer.asyncBurst };
  await measurePeer(load, { variant: 'async', asyncRemove: true, counts }, REMOVAL_ROWS);
}

interface ThinsnapVariant {
  readonly variant: string;
  readonly asyncRemove: boolean;
  readonly standby: boolean;
}

async function measureThinsnap(load: Load, how: ThinsnapVariant, rows: readonly Row[]): Promise<void> {
  const { variant, asyncRemove, standby } = how;
  const { workers, thinsnap: counts } = load.plan;
  say(`thinsnap, ${variant}`);
  await onStage(
    () => startThinsnap({ workers, asyncRemove, standby }),
    (side) => measureRows({ load, side, sideName: 'thinsnap', variant, counts }, rows),
  );
}

interface PeerVariant {
  readonly variant: string;
  readonly asyncRemove: boolean;
  readonly counts: Counts;
}

async function measurePeer(load: Load, how: PeerVariant, rows: readonly Row[]): Promise<void> {
  const { variant, asyncRemove, counts } = how;
  say(`peer, ${variant}`);
  await onStage(
    () => startPeer(load.programs, { asyncRemove }),
    (side) => measureRows({ load, side, sideName: 'peer', variant, counts }, rows),
  );
}

async function onStage(start: () => Promise<Side>, action: (side: Side) => Promise<void>): Promise<void> {
  await withStage(async () => {
    const side = await start();
    try {
      await action(side);
    } finally {
      await side.stop();
    }
  });
}

const ALL_ROWS = ['burst', 'cycle', 'base', 'usage', 'busy'] as const;
/** What async_remove makes a difference to. */
const REMOVAL_ROWS = ['burst', 'cycle', 'busy'] as const;
type Row = (typeof ALL_ROWS)[number];

interface Runner {
  readonly load: Load;
  readonly side: Side;
  readonly sideName: 'peer' | 'thinsnap';
  readonly variant: string;
  readonly counts: Counts;
}

async function measureRows(runner: Runner, rows: readonly Row[]): Promise<void> {
  const { load, side, sideName, variant, counts } = runner;
  const options = optionsOf(counts);
  for (const name of rows) {
    const phases = await runLoad(load.programs, name, { socket: side.socket, settle: SETTLED_AFTER, ...options[name] });
    // What the measurement made must be gone: a removal that was only answered is not one that is done.
    const figures = sideName === 'thinsnap' && variant === 'standby' ? {} : { thinIdsLeft: await thinIds() };
    await load.record({ side: sideName, variant, name, phases, figures });
  }
}

function optionsOf(counts: Counts): Record<Row, LoadOptions> {
  const { burst, burstRounds, burstWarmUp, cycles, cycleWarmUp, bases, usages, others } = counts;
  return {
    burst: { count: burst, 'at-once': burst, rounds: burstRounds, 'warm-up': burstWarmUp },
    cycle: { count: cycles, 'at-once': CYCLE_CLIENTS, 'warm-up': cycleWarmUp },
    base: { count: bases, 'at-once': bases },
    usage: { count: usages, 'at-once': USAGE_AT_ONCE },
    busy: { count: others, limit: BUSY_LIMIT },
  };
}
