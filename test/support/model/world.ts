// The order of everything in a simulated run. Whatever takes time waits here at a named step, and the scenario's choices
// say which of those that wait goes on next; nothing else decides, so the same choices give the same run. Once the
// choices are used up the oldest goes first: shrinking them leads to the plainest order that still fails.

import { mock } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { TimeSources } from '../../../src/main/snapshots/clock.ts';

/** Turns of the event loop until nothing moves by itself: the catalog takes one of its own between two writes. */
const QUIET_TURNS = 3;
/** Far more than any scenario takes: what goes on for longer goes in a circle. */
const STEPS_MAX = 100_000;
const STEP_NS = 1_000_000n;
const LOOK_NS = 1_000n;

interface Waiting {
  readonly label: string;
  /** Null for what outlives the daemon: clients and nature. */
  readonly owner: Process | null;
  /** As long as anything else goes on, it waits for this to be true. */
  readonly due: () => boolean;
  readonly proceed: () => void;
}

export class World {
  /** What went on, in order: the story of a failure. */
  readonly trace: string[] = [];
  readonly #choices: Iterator<number>;
  #waiting: Waiting[] = [];
  /** Work on the real machine, which nothing here may overtake. */
  readonly #outside = new Set<Promise<unknown>>();
  #stamps = 0;
  #passedMs = 0;
  #nowNs = 1_000_000_000n;

  constructor(choices: Iterable<number>) {
    this.#choices = choices[Symbol.iterator]();
  }

  /** Counts up with every look: orders what happened within one step. */
  stamp(): number {
    this.#stamps += 1;
    return this.#stamps;
  }

  get nowNs(): bigint {
    return this.#nowNs;
  }

  /** A clock that moves with the steps, and a little with each look, as clocks do. */
  readonly clock: TimeSources = {
    wallMs: () => Number(this.#look() / 1_000_000n),
    monotonicNs: () => this.#look(),
  };

  /** Milliseconds that have passed, steps aside: what `performance.now` answers in a run. */
  get passedMs(): number {
    return this.#passedMs;
  }

  /** Whatever was to come within that time comes now. The timers are mocked ones. */
  pass(ms: number): void {
    this.#passedMs += ms;
    this.#nowNs += BigInt(ms) * 1_000_000n;
    mock.timers.tick(ms);
  }

  wait(label: string, given: { readonly owner?: Process; readonly due?: () => boolean } = {}): Promise<void> {
    const { owner = null, due = () => true } = given;
    return new Promise((resolve) => this.#waiting.push({ label, owner, due, proceed: resolve }));
  }

  /** Runs what takes real time as if it took none. */
  async outside<T>(work: Promise<T>): Promise<T> {
    this.#outside.add(work);
    try {
      return await work;
    } finally {
      this.#outside.delete(work);
    }
  }

  /** What this process waits for never comes. */
  forget(owner: Process): void {
    this.#waiting = this.#waiting.filter((waiting) => waiting.owner !== owner);
  }

  /** Runs until nothing waits any more. */
  async run(): Promise<void> {
    for (;;) {
      await this.#quiet();
      if (this.#waiting.length === 0) return;
      const due = this.#waiting.filter((waiting) => waiting.due());
      const ready = due.length > 0 ? due : this.#waiting;
      const choice: unknown = this.#choices.next().value;
      const next = ready[typeof choice === 'number' ? choice % ready.length : 0];
      if (next === undefined) return;
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      this.#nowNs += STEP_NS;
      this.trace.push(next.label);
      if (this.trace.length > STEPS_MAX) throw new Error('The run does not end: it goes in a circle');
      next.proceed();
    }
  }

  async #quiet(): Promise<void> {
    do {
      await Promise.allSettled(this.#outside);
      for (let turn = 0; turn < QUIET_TURNS; turn += 1) await setImmediate();
    } while (this.#outside.size > 0);
  }

  #look(): bigint {
    this.#nowNs += LOOK_NS;
    return this.#nowNs;
  }
}

/** One life of the daemon: once it is over, nothing that it waits for comes, as after kill -9. */
export class Process {
  readonly died: Promise<'died'>;
  readonly #world: World;
  #alive = true;
  #die: () => void = () => undefined;

  constructor(world: World) {
    this.#world = world;
    this.died = new Promise((resolve) => {
      this.#die = () => resolve('died');
    });
  }

  isAlive(): boolean {
    return this.#alive;
  }

  /** Its turn comes after so many steps at the earliest, unless nothing else goes on. */
  step(label: string, afterSteps = 0): Promise<void> {
    if (!this.#alive) return new Promise(() => undefined);
    const { trace } = this.#world;
    const from = trace.length + afterSteps;
    return this.#world.wait(label, { owner: this, due: () => trace.length >= from });
  }

  kill(): void {
    this.#alive = false;
    this.#world.forget(this);
    this.#die();
  }
}
