// Work that a streaming call waits for, and the moments in between at which it tells how far that is.

import { setTimeout as sleep } from 'node:timers/promises';

const PAUSE_MS = 500;

/** Yields what `look` answers now and then until `work` has ended or `signal` aborts; throws what it failed with, unless nobody waits any more. */
export async function* untilDone<Look>(
  work: Promise<void>,
  signal: AbortSignal,
  look: () => Look,
): AsyncGenerator<Look, void> {
  const ended = work.then(() => 'ended' as const);
  // It may fail when nobody waits for it any more.
  ended.catch(() => undefined);
  for (;;) {
    const pause = new AbortController();
    const waited = sleep(PAUSE_MS, 'pause' as const, { signal: pause.signal }).catch(() => 'pause' as const);
    const first = await Promise.race([ended, waited]);
    pause.abort();
    if (first === 'ended' || signal.aborted) return;
    yield look();
  }
}
