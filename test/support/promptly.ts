// A call that nothing may hold up.

import * as assert from 'uvu/assert';

const { THINSNAP_TEST_PATIENCE: patience = '1', THINSNAP_NIGHTLY: nightly } = process.env;
/** "Promptly" on a slow machine; containerd's own Remove of a busy snapshot takes 8.5 minutes. */
const PROMPT_MS = 5_000;
/** What is promised of each call. A run among others on a busy machine can tell it from being held up for ever, and no more. */
const PROMISED_MS = 1_000 * Number(patience);
const CALL_MS = nightly === undefined ? PROMPT_MS : Math.min(PROMPT_MS, PROMISED_MS);

export async function promptly(call: Promise<unknown>): Promise<void> {
  const calledMs = performance.now();
  await call;
  assert.ok(performance.now() - calledMs < PROMPT_MS);
}

/** Measures calls, each alone, also those that are made at once. */
export class Stopwatch {
  #longest = { what: 'none', ms: 0 };
  #calls = 0;

  /** Fails when the answer takes longer than any call may. */
  async time<Answer>(what: string, call: Promise<Answer>): Promise<Answer> {
    const calledMs = performance.now();
    const answer = await call;
    const ms = performance.now() - calledMs;
    this.#calls += 1;
    if (ms > this.#longest.ms) this.#longest = { what, ms };
    assert.ok(ms < CALL_MS, `${what} was answered after ${Math.round(ms)} ms, where ${CALL_MS} ms are allowed`);
    return answer;
  }

  told(): string {
    const { what, ms } = this.#longest;
    return `${this.#calls} calls, the longest ${what}: ${Math.round(ms)} ms`;
  }
}
