// What goes wrong in the workers' tasks, by plan.

import type { FaultCode } from '../../../src/shared/faults.ts';

/** As `Devices` gives up on a pool that is full of somebody else's ids. */
const PLACE_TRIES = 16;

/**
 * `worker-dies`: the thread ends before the step, or `late`, after it; it undoes nothing, and its task answers `unavailable`.
 * `hangs`: the step is done, after a long time. `times-out`: after as long its tool is ended, before it did anything or,
 * `late`, after it did all: whoever waited for it cannot tell which.
 */
export type StepFailure =
  | Exclude<FaultCode, 'timeout'>
  | 'worker-dies'
  | 'worker-dies-late'
  | 'hangs'
  | 'times-out'
  | 'times-out-late';

/** Which steps may fail so; whatever is not named here may fail at any. */
const FITTING: { readonly [Failure in StepFailure]?: readonly string[] } = {
  'device-busy': ['remove', 'delete'],
  'thin-id-taken': ['create_thin', 'create_snap'],
  'no-space': ['create_thin', 'create_snap', 'status'],
  'pool-unsound': ['create_thin', 'create_snap', 'delete', 'status'],
};

export interface Trouble {
  /** It comes at the first fitting step after this many of all tasks. */
  readonly at: number;
  readonly failure: StepFailure;
  /** `ever`: so does every step of that kind, until it is mended. */
  readonly lasting: 'once' | 'ever';
}

/** What fails and when; it knows what it did, so that a fault nobody caused is noticed. */
export class Troubles {
  readonly caused: { readonly stamp: number; readonly code: FaultCode }[] = [];
  readonly #planned: Trouble[];
  readonly #lasting = new Map<string, StepFailure>();
  #steps = 0;
  #ended = false;

  constructor(planned: readonly Trouble[]) {
    this.#planned = [...planned];
  }

  next(verb: string): StepFailure | null {
    if (this.#ended) return null;
    this.#steps += 1;
    const index = this.#planned.findIndex(
      ({ at, failure }) => at < this.#steps && (FITTING[failure]?.includes(verb) ?? true),
    );
    const [trouble] = index < 0 ? [] : this.#planned.splice(index, 1);
    if (trouble?.lasting === 'ever') this.#lasting.set(verb, trouble.failure);
    return this.#lasting.get(verb) ?? trouble?.failure ?? null;
  }

  /** Whether a call that was sent at `start` may answer that fault. */
  explains(fault: FaultCode, start: number): boolean {
    const since = this.caused.filter(({ stamp }) => stamp >= start);
    const taken = since.filter(({ code }) => code === 'thin-id-taken').length;
    return since.some(({ code }) => code === fault) || (fault === 'pool-unsound' && taken >= PLACE_TRIES);
  }

  /** What lasted is over: somebody saw to it. */
  mend(): void {
    this.#lasting.clear();
  }

  /** Nothing fails any more. */
  end(): void {
    this.#ended = true;
  }
}
