// What must hold while the daemon is attacked: whoever behaves is answered, memory stays within bounds, nothing dies, and
// afterwards the daemon is as it was. THINSNAP_HOSTILE_SECONDS and THINSNAP_HOSTILE_CASES say how much there is of it.

import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { factsOf } from '../../support/process-facts.ts';
import { until } from '../../support/until.ts';
import type { Stage } from '../stage.ts';

const { THINSNAP_HOSTILE_SECONDS: seconds = '0.3', THINSNAP_HOSTILE_CASES: cases = '1000' } = process.env;
export const ATTACK_MS = Number(seconds) * 1000;
export const CASES = Number(cases);

const MIB = 1024 * 1024;
/** More than before, at the worst moment. The heap grows by some of it before V8 cleans up. */
export const GROWTH_BYTES_MAX = 50 * MIB;
/** Between two calls of those who behave. */
const PAUSE_MS = 20;
/** An answer for those who behave: never seen over 2 s; made for a machine that does much else. */
const ANSWER_MS_MAX = 20_000;
const SETTLE_MS = 60_000;

export interface Attack {
  /** Whether its time is over. */
  over(): boolean;
}

/** Runs `attack` while a client that behaves asks again and again. */
export async function withstand(
  stage: Stage,
  attack: (attack: Attack) => Promise<void>,
  growthBytesMax = GROWTH_BYTES_MAX,
): Promise<void> {
  const { pid } = stage.daemon;
  const key = await stage.aView();
  const before = await factsOf(pid);
  const deadlineMs = performance.now() + ATTACK_MS;
  let attacked = true;
  let mostBytes = 0;
  let slowestMs = 0;
  const calm = stage.daemon.connect();
  const behave = async (): Promise<void> => {
    do {
      const startMs = performance.now();
      await calm.stat(key);
      slowestMs = Math.max(slowestMs, performance.now() - startMs);
      mostBytes = Math.max(mostBytes, (await factsOf(pid)).rssBytes);
      await sleep(PAUSE_MS);
    } while (attacked);
  };
  const behaving = behave();
  try {
    await attack({ over: () => performance.now() > deadlineMs });
  } finally {
    attacked = false;
    // Whatever became of its calls, its connection is not the daemon's to be blamed for.
    await behaving.finally(() => calm.close());
  }
  assert.is(stage.daemon.pid, pid);
  assert.ok(slowestMs < ANSWER_MS_MAX, `somebody else waited ${slowestMs} ms`);
  const grown = mostBytes - before.rssBytes;
  assert.ok(grown < growthBytesMax, `memory grew by ${Math.round(grown / MIB)} MiB`);
  await stage.client.remove(key);
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
