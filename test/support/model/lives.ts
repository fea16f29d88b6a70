// The lives of the daemon, one after another: stopped, killed, started again, and killed while it starts or stops.

import { Latch } from '../latch.ts';
import { closeLife, killLife, type Life, type Machine, openLife, recoverLife } from './life.ts';

/** Starts that may fail in a row before whatever lasts is seen to, as systemd and somebody with a pager would. */
const FAILED_STARTS_MAX = 3;

export interface LivesOptions {
  readonly machine: Machine;
  /** Whether calls that this one took are still to be answered. */
  readonly isBusy: (life: Life) => boolean;
  /** Called between two lives: nothing of the old one is to come. */
  readonly onEnd: () => void;
}

export class Lives {
  readonly #options: LivesOptions;
  #serving: Life | null = null;
  /** One that does not serve yet, or no longer. */
  #other: Life | null = null;
  #latch = new Latch();

  constructor(options: LivesOptions) {
    this.#options = options;
  }

  /** The one that serves, if any does. */
  get now(): Life | null {
    return this.#serving;
  }

  /** The one that serves, as soon as one does. */
  async next(): Promise<Life> {
    for (;;) {
      if (this.#serving !== null) return this.#serving;
      await this.#latch.opened;
    }
  }

  async start(): Promise<void> {
    const { machine } = this.#options;
    for (let failed = 0; ; failed += 1) {
      const life = await machine.world.outside(openLife(machine));
      this.#other = life;
      try {
        await recoverLife(life);
      } catch (error) {
        killLife(life);
        if (failed >= FAILED_STARTS_MAX) throw error;
        if (failed === FAILED_STARTS_MAX - 1) machine.troubles.end();
        continue;
      }
      this.#other = null;
      this.#serve(life);
      return;
    }
  }

  async killAndStart(): Promise<void> {
    for (const life of [this.#serving, this.#other]) if (life !== null) killLife(life);
    await this.#startNext();
  }

  async stopAndStart(): Promise<void> {
    const { machine, isBusy } = this.#options;
    const life = await this.next();
    this.#serve(null);
    this.#other = life;
    await machine.world.wait('nature: the calls in flight have ended', { due: () => !isBusy(life) });
    // It may have been killed meanwhile, and may be while it stops.
    if (!life.process.isAlive()) return;
    await closeLife(life);
    if (!life.process.isAlive()) return;
    killLife(life);
    await this.#startNext();
  }

  async #startNext(): Promise<void> {
    this.#serve(null);
    this.#options.onEnd();
    await this.start();
  }

  #serve(life: Life | null): void {
    // Whoever waits for the next life goes on waiting when that one is not the next after all.
    if (life === null && this.#serving !== null) this.#latch = new Latch();
    this.#serving = life;
    if (life !== null) this.#latch.open();
  }
}
