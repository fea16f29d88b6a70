// A call that nothing may hold up.

import * as assert from 'uvu/assert';

/** "Promptly" on a slow machine; containerd's own Remove of a busy snapshot takes 8.5 minutes. */
const PROMPT_MS = 5_000;

export async function promptly(call: Promise<unknown>): Promise<void> {
  const calledMs = performance.now();
  await call;
  assert.ok(performance.now() - calledMs < PROMPT_MS);
}
