// What must hold while the daemon is attacked: whoever behaves is answered, memory stays within bounds, nothing dies, and
// afterwards the daemon is as it was. THINSNAP_HOSTILE_SECONDS and THINSNAP_HOSTILE_CASES say how much there is of it.

import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import * as assert from 'uvu/assert';
import { factsOf } from '../../support/process-facts.ts';
import { until } from '../../support/until.ts';
import type { Stage } from '../stage.ts';
import type { Calm, Errand } from './calm-client.ts';

const { THINSNAP_HOSTILE_SECONDS: seconds = '0.3', THINSNAP_HOSTILE_CASES: cases = '1000' } = process.env;
export const ATTACK_MS = Number(seconds) * 1000;
export const CASES = Number(cases);

const MIB = 1024 * 1024;
/** More than before, at the worst moment. The heap grows by some of it before V8 cleans up. */
export const GROWTH_BYTES_MAX = 50 * MIB;
/** Whoever behaves is watched for so long before an attack. */
const BEFORE_MS = Math.min(2_000, ATTACK_MS / 6);
/** An answer for those who behave: never seen over 2 s; made for a machine that does much else. */
const ANSWER_MS_MAX = 20_000;
/** Shorter attacks have too few calls for a ratio to mean anything, and so have medians below this on a busy machine. */
const TELLING_MS = 10_000;
const MEDIAN_MS_MIN = 10;
/** Of attacks that give the daemon nothing to do. An idle machine would do with 2. */
export const IDLE_RATIO_MAX = 5;
export const SETTLE_MS = 60_000;

export interface Attack {
  /** Whether its time is over. */
  over(): boolean;
}

export interface AttackOptions {
  /** What the figures are printed under. */
  readonly name?: string;
  readonly growthBytesMax?: number;
  /**
   * How many times as long the median answer may take. For attacks that give the daemon nothing to do: in a flood, whoever behaves
   * waits behind what the attackers sent, and twice as long, as a daemon with idle processors would have it, is out of reach.
   */
  readonly medianRatioMax?: number;
}

let thread: Worker | null = null;

/** Has one who behaves ask while `action` runs, and fails when one of its calls did. */
export async function watched(stage: Stage, key: string, action: () => Promise<void>): Promise<Calm> {
  // One for all: a thread takes a while to start. It keeps nobody from ending.
  thread ??= new Worker(new URL('./calm-client.js', import.meta.url));
  thread.unref();
  const errand: Errand = { address: stage.daemon.address, pid: stage.daemon.pid, key };
  const told = once(thread, 'message');
  thread.postMessage(errand);
  try {
    await action();
  } finally {
    thread.postMessage(null);
    await told;
  }
  const [calm]: Calm[] = await told;
  if (calm === undefined || calm.failure !== null) throw new Error(`One who behaves: ${calm?.failure}`);
  return calm;
}

/** Runs `attack` while a client that behaves asks again and again. */
export async function withstand(
  stage: Stage,
  attack: (attack: Attack) => Promise<void>,
  { name = 'an attack', growthBytesMax = GROWTH_BYTES_MAX, medianRatioMax = Infinity }: AttackOptions = {},
): Promise<void> {
  const { pid } = stage.daemon;
  const key = await stage.aView();
  const quiet = await watched(stage, key, () => sleep(BEFORE_MS));
  const before = await factsOf(pid);
  const deadlineMs = performance.now() + ATTACK_MS;
  const calm = await watched(stage, key, () => attack({ over: () => performance.now() > deadlineMs }));
  const grown = calm.mostBytes - before.rssBytes;
  print(`${name}: ${compared(quiet, calm)}; memory grew by ${Math.round(grown / MIB)} MiB`);
  assert.is(stage.daemon.pid, pid);
  assertAnswered(calm);
  if (ATTACK_MS >= TELLING_MS) {
    const wasMs = Math.max(percentileOf(quiet.latenciesMs, 0.5), MEDIAN_MS_MIN);
    const isMs = percentileOf(calm.latenciesMs, 0.5);
    assert.ok(isMs < medianRatioMax * wasMs, `half of the answers took ${isMs} ms or more, ${wasMs} before`);
  }
  assert.ok(grown < growthBytesMax, `memory grew by ${Math.round(grown / MIB)} MiB`);
  await stage.client.remove(key);
}

export function assertAnswered({ latenciesMs }: Calm): void {
  const slowestMs = percentileOf(latenciesMs, 1);
  assert.ok(slowestMs < ANSWER_MS_MAX, `somebody else waited ${slowestMs} ms`);
}

/** The latencies of whoever behaves, before and during. */
export function compared(before: Calm, during: Calm): string {
  const parts = [0.5, 0.99].map((share) => {
    const [was, is] = [before, during].map(({ latenciesMs }) => percentileOf(latenciesMs, share));
    const ratio = (is ?? 0) / (was ?? 1);
    return `${share === 0.5 ? 'median' : 'p99'} ${was?.toFixed(1)} ms before, ${is?.toFixed(1)} ms meanwhile (${ratio.toFixed(1)}x)`;
  });
  return `${during.latenciesMs.length} calls, ${parts.join(', ')}`;
}

/** The nearest rank. */
export function percentileOf(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
}

export function print(line: string): void {
  process.stdout.write(`\n${line}\n`);
}

/** Waits until no more files are open than `before`: connections that were closed are let go of a moment later. */
export async function settled(pid: number, before: { readonly files: readonly string[] }): Promise<void> {
  let files: readonly string[] = [];
  await until(
    SETTLE_MS,
    async () => {
      ({ files } = await factsOf(pid));
      return files.length <= before.files.length ? true : null;
    },
    () => {
      const added = files.filter((file) => !before.files.includes(file));
      return `${files.length} files are open, ${before.files.length} were; new: ${added.join(', ')}`;
    },
  );
}
