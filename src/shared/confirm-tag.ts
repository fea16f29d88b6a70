// Whose a pool is, by the status that was read of it.

import { FaultError } from './faults.ts';
import type { PoolStatus } from './tasks.ts';

/**
 * Answers the status. Fault `precondition` when a pool came in the place of the one with this tag, before anything is asked of it: its ids are
 * others', and so is what they hold. `tag`: null where somebody else keeps that number.
 */
export function confirmTag(pool: string, status: PoolStatus, tag: number | null): PoolStatus {
  const { mode, transactionId } = status;
  // A failed pool does not say who it is, and does nothing.
  if (tag === null || mode === 'fail' || transactionId === tag) return status;
  const found = `its transaction id is ${transactionId} and must be ${tag}`;
  throw new FaultError(
    'precondition',
    `Cannot use pool "${pool}": another has come in its place: ${found}. Bring the right one back, and restart thinsnapd`,
    { leaves: 'nothing' },
  );
}
