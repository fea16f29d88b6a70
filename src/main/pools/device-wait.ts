// Patience with devices that come late: after a boot, disks and the file systems with a pool's files are there when they are.

import { setTimeout as sleep } from 'node:timers/promises';
import { FaultError, isFault } from '../../shared/faults.ts';

const LOOK_AGAIN_MS = 500;

export interface Patience {
  readonly limitMs: number;
  /** Aborted when nobody wants the outcome any more: fault `unavailable`. */
  readonly signal: AbortSignal;
  /** Called once, before the first pause, with what is not there. */
  readonly onWait: (missing: string) => void;
}

/** What `action` answers, once nothing that it needs is missing (fault `device-missing`); that fault when it stays so. */
export async function whenThere<Value>(action: () => Promise<Value>, patience: Patience): Promise<Value> {
  const { limitMs, signal, onWait } = patience;
  const deadlineMs = performance.now() + limitMs;
  for (let tries = 1; ; tries += 1) {
    if (signal.aborted) throw new FaultError('unavailable', 'Cannot wait for a device any longer: told to stop');
    try {
      return await action();
    } catch (error) {
      if (!isFault(error, 'device-missing')) throw error;
      if (performance.now() >= deadlineMs) {
        const waited = limitMs === 0 ? '' : `, after ${limitMs / 1000} s`;
        throw new FaultError('device-missing', `${error.message}${waited}`, { cause: error });
      }
      if (tries === 1) onWait(error.message);
    }
    await sleep(LOOK_AGAIN_MS);
  }
}
