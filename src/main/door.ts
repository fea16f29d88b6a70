// Whether containerd's calls are let in, and how many are inside: what must have everything to itself closes the door, and
// waits until nobody is inside any more.

import { setTimeout as sleep } from 'node:timers/promises';
import { FaultError } from '../shared/faults.ts';

const LOOK_PAUSE_MS = 20;
/** Longer than any call is waited for (CALL_LIMIT_MS): then what is still inside hangs. */
const EMPTY_LIMIT_MS = 150_000;

export class Door {
  #inside = 0;
  #closedFor: string | null = null;

  /** Counts `action` as inside until it has ended, however long its caller waits. Fault `unavailable` while closed. */
  async pass<T>(action: () => Promise<T>): Promise<T> {
    if (this.#closedFor !== null) throw new FaultError('unavailable', `Cannot take a call: ${this.#closedFor}`);
    this.#inside += 1;
    try {
      return await action();
    } finally {
      this.#inside -= 1;
    }
  }

  /** Runs `action` with nobody inside. Faults: `unavailable` when it is closed already; `timeout` when a call does not end. */
  async withClosed<T>(reason: string, action: () => Promise<T>): Promise<T> {
    if (this.#closedFor !== null) throw new FaultError('unavailable', `Cannot begin: ${this.#closedFor}`);
    this.#closedFor = reason;
    try {
      const endMs = performance.now() + EMPTY_LIMIT_MS;
      while (this.#inside > 0) {
        if (performance.now() > endMs)
          throw new FaultError('timeout', `Cannot begin: ${this.#inside} calls do not end`);
        await sleep(LOOK_PAUSE_MS);
      }
      return await action();
    } finally {
      this.#closedFor = null;
    }
  }
}
