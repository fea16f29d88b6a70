// Order: what has the same lane runs in turn, everything else side by side. No other file knows p-queue.
// Never give p-queue a `signal` or a `timeout`: both free the slot while the action still runs.

import PQueue from 'p-queue';
import { FaultError } from '../shared/faults.ts';

/** Calls that may wait in one lane; the next one is refused at once. */
export const LANE_PENDING_MAX = 2048;

/** Idle queues that are kept. */
const SPARE_MAX = 256;

// Lanes of two kinds. Who holds a key's lane may wait for a device's, never the other way round; who holds a key's lane
// waits for another key's only through `Lanes.runAll`, which takes them in one order.

export function keyLane(key: string): string {
  return `key ${key}`;
}

export function deviceLane(id: number): string {
  return `device ${id}`;
}

export class Lanes {
  readonly #queues = new Map<string, PQueue>();
  /** Idle ones, for the next lanes: most lanes are one call long, and making a queue costs more than using it. */
  readonly #spare: PQueue[] = [];

  /** Lanes in which something runs or waits: an idle lane costs nothing. */
  get size(): number {
    return this.#queues.size;
  }

  /** Runs `action` once everything that came to `lane` before it has ended. Fault `overloaded` when too much waits. */
  async run<T>(lane: string, action: () => Promise<T>): Promise<T> {
    const queue = this.#queues.get(lane) ?? this.#open(lane);
    if (queue.size >= LANE_PENDING_MAX) {
      throw new FaultError(
        'overloaded',
        `Cannot take another call: ${LANE_PENDING_MAX} already wait for the same snapshot`,
      );
    }
    try {
      return await queue.add(action);
    } finally {
      if (queue.size === 0 && queue.pending === 0 && this.#queues.get(lane) === queue) {
        this.#queues.delete(lane);
        if (this.#spare.length < SPARE_MAX) this.#spare.push(queue);
      }
    }
  }

  /**
   * Runs `action` while it has all of `lanes` to itself. They are taken in one order everywhere, so that two callers
   * cannot wait for each other. `action` itself may take only lanes of a lower kind (a device's, within a key's).
   */
  async runAll<T>(lanes: readonly string[], action: () => Promise<T>): Promise<T> {
    const [first, ...rest] = [...new Set(lanes)].sort();
    if (first === undefined) return action();
    return this.run(first, () => this.runAll(rest, action));
  }

  #open(lane: string): PQueue {
    const queue = this.#spare.pop() ?? new PQueue({ concurrency: 1 });
    this.#queues.set(lane, queue);
    return queue;
  }
}

/** A door that lets `concurrency` actions through at a time, in the order they came. */
export class Gate {
  readonly #queue: PQueue;

  constructor(concurrency: number) {
    this.#queue = new PQueue({ concurrency });
  }

  run<T>(action: () => Promise<T>): Promise<T> {
    return this.#queue.add(action);
  }

  /** Resolves when nothing runs and nothing waits. */
  idle(): Promise<void> {
    return this.#queue.onIdle();
  }
}
