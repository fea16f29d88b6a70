// Collect: everything that waits to be deactivated or deleted is tried once more, as Cleanup does, with a word now and
// then on how far that is.

import { cleanup } from '../snapshots/remove.ts';
import type { AdminContext } from './admin-context.ts';
import { untilDone } from './progress.ts';
import type { AdminRpcs } from './service.ts';

export function collectRpc(context: AdminContext): AdminRpcs['collect'] {
  const { reaper } = context;
  return async function* (_request, signal) {
    const waiting = BigInt(reaper.size);
    const work = cleanup(context);
    yield { waiting, left: waiting, done: false };
    yield* untilDone(work, signal, () => ({ waiting, left: BigInt(reaper.size), done: false }));
    if (!signal.aborted) yield { waiting, left: BigInt(reaper.size), done: true };
  };
}
