// Waiting for what something else is about to do, with an end: the only way that a test may wait.

import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 100;

/** Answers once `check` does so with something else than null; fails with what `describe` says when the limit is over. */
export async function until<T>(limitMs: number, check: () => Promise<T | null>, describe: () => string): Promise<T> {
  const deadlineMs = performance.now() + limitMs;
  for (;;) {
    const value = await check();
    if (value !== null) return value;
    if (performance.now() > deadlineMs) throw new Error(`Waited ${limitMs / 1000} s in vain: ${describe()}`);
    await sleep(POLL_MS);
  }
}
