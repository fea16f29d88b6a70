// Collect: everything that waits to be deactivated or deleted is tried once more, as Cleanup does, with a word now and
// then on how far that is.

import { setTimeout as sleep } from 'node:timers/promises';
import { cleanup } from '../snapshots/remove.ts';
import type { AdminContext } from './admin-context.ts';
import type { AdminRpcs } from './service.ts';

const PROGRESS_PAUSE_MS = 500;

export function collectRpc(context: AdminContext): AdminRpcs['collect'] {
  const { reaper } = context;
  return async function* (_request, signal) {
    const waiting = BigInt(reaper.size);
    const tried = cleanup(context).then(() => 'done' as const);
    yield { waiting, left: waiting, done: false };
    for (;;) {
      const pause = new AbortController();
      const first = await Promise.race([tried, sleep(PROGRESS_PAUSE_MS, 'pause' as const, { signal: pause.signal })]);
      pause.abort();
      if (first === 'done') break;
      if (signal.aborted) return;
      yield { waiting, left: BigInt(reaper.size), done: false };
    }
    yield { waiting, left: BigInt(reaper.size), done: true };
  };
}
