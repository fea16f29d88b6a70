// How much of what is measured. The peer makes one or two snapshots a second, so it is given fewer calls than thinsnap:
// rates and latencies are compared, never totals.

import type { Guest } from '../../test/runner/cases.ts';

export interface Plan {
  readonly guest: Guest;
  /** `race`: the table of both sides. `scale`: thinsnap alone, with more and more snapshots present. */
  readonly kind: 'race' | 'scale';
  readonly peer: Counts;
  readonly thinsnap: Counts;
  /** Threads of the bare loop. */
  readonly bareThreads: readonly number[];
  readonly bareRounds: number;
  /** thinsnap's `workers`; 0: its own choice. */
  readonly workers: number;
  /** Snapshots present, smallest first. */
  readonly present: readonly number[];
  /** How many of those are active, at most; never more than half. */
  readonly active: number;
}

export interface Counts {
  /** Prepares, and then Removes, at once. */
  readonly burst: number;
  readonly burstRounds: number;
  /** Rounds before those that count: Node.js compiles what runs often, and is 2 to 4 times slower until it has. */
  readonly burstWarmUp: number;
  readonly asyncBurst: number;
  readonly cycles: number;
  /** Before those that count, as many again, so often. */
  readonly cycleWarmUp: number;
  readonly bases: number;
  readonly usages: number;
  /** Calls of others before and beside the removal of a busy device, each. */
  readonly others: number;
}

export const CYCLE_CLIENTS = 16;

export const FULL: Pick<Plan, 'peer' | 'thinsnap' | 'bareThreads' | 'bareRounds' | 'present' | 'active'> = {
  peer: {
    burst: 64,
    burstRounds: 1,
    burstWarmUp: 0,
    asyncBurst: 16,
    cycles: 16,
    cycleWarmUp: 0,
    bases: 8,
    usages: 40,
    others: 5,
  },
  thinsnap: {
    burst: 64,
    burstRounds: 5,
    burstWarmUp: 8,
    asyncBurst: 64,
    cycles: 320,
    cycleWarmUp: 1,
    bases: 64,
    usages: 1_000,
    others: 40,
  },
  bareThreads: [4, 8, 16],
  bareRounds: 2,
  present: [10, 1_000, 10_000],
  active: 500,
};

export const QUICK: typeof FULL = {
  peer: { ...FULL.peer, asyncBurst: 4, cycles: 8, bases: 4, usages: 10, others: 2 },
  thinsnap: { ...FULL.thinsnap, burstRounds: 3, burstWarmUp: 1, cycles: 96, usages: 100, others: 20 },
  bareThreads: [8],
  bareRounds: 2,
  present: [10, 300],
  active: 50,
};

/** Of udevd's guest, where the peer needs several times as long for each call. */
export const SLOW_PEER: Counts = {
  ...FULL.peer,
  burst: 16,
  asyncBurst: 8,
  cycles: 16,
  bases: 4,
  usages: 20,
  others: 3,
};

export function planOf(options: { guest: Guest; scale: boolean; quick: boolean; workers: number }): Plan {
  const { guest, scale, quick, workers } = options;
  const counts = quick ? QUICK : FULL;
  const peer = guest === 'udev' ? SLOW_PEER : counts.peer;
  return { ...counts, peer, guest, workers, kind: scale ? 'scale' : 'race' };
}
