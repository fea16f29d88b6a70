// A daemon that dies by plan, as a client sees it: whatever ends it, it is started again with the next plan, and asked again.

import { setTimeout as sleep } from 'node:timers/promises';
import { type ConfigTable, type Daemon, makeDaemon } from '../daemon.ts';
import { failureOf } from '../grpc-client.ts';
import type { SnapshotsClient } from '../snapshots-client.ts';

/** A daemon that found a mistake of its own stops; everything else that ends it is faster. */
const END_LIMIT_MS = 30_000;
/** Calls that are answered `UNAVAILABLE` by nobody: the process is gone, or goes at this moment. */
const GOING_MS = 2_000;
/** What a daemon says of a hang that came by plan, and of the limit what is then waited for at most: the answer may be another call's. */
const TOLD_HANG = /THINSNAP_FAILPOINTS: (?:hang|spin) at/;
const TOLD_SHARE = 0.25;
const LOOK_MS = 100;

export interface LivesOptions {
  readonly config: ConfigTable;
  /** What hangs by plan is given up after this. */
  readonly hangLimitMs: number;
  /** What is planned for each life, in turn; nothing for those after. */
  readonly plans: readonly string[];
  /** What is done between a death and the next start. */
  readonly meanwhile: (root: string) => Promise<void>;
}

export type Outcome = { readonly code: string; readonly details: string };

export class Lives {
  readonly daemon: Daemon;
  readonly #options: LivesOptions;
  #begun = 0;
  /** Where this life's log begins. */
  #logFrom = 0;
  /** How each life ended that was not ended from outside. */
  readonly deaths: string[] = [];

  private constructor(daemon: Daemon, options: LivesOptions) {
    this.daemon = daemon;
    this.#options = options;
  }

  /** Serving, in whichever life. */
  static async begin(options: LivesOptions): Promise<Lives> {
    const lives = new Lives(await makeDaemon({ config: options.config }), options);
    try {
      await lives.#start();
    } catch (error) {
      await lives.daemon.remove();
      throw error;
    }
    return lives;
  }

  /** How often it was started. */
  get begun(): number {
    return this.#begun;
  }

  /** Whether a life that something is planned for is still to come, or on. */
  get planned(): boolean {
    return this.#begun <= this.#options.plans.length;
  }

  /** The answer's code; `DIED` when there was none, and then it is serving again. */
  async ask(call: (client: SnapshotsClient) => Promise<unknown>): Promise<Outcome> {
    const outcome = await this.#unlessHung(outcomeOf(call(this.daemon.client)));
    if (outcome.code === 'HUNG') await this.daemon.kill();
    else if (!(await this.#isGoing(outcome))) return outcome;
    await this.#start();
    return { code: 'DIED', details: outcome.details };
  }

  /** What is asked for cannot fail but by a death, and is asked again then. */
  async read<T>(call: (client: SnapshotsClient) => Promise<T>): Promise<T> {
    for (;;) {
      const asked: T[] = [];
      const { code, details } = await this.ask(async (client) => asked.push(await call(client)));
      const [answer] = asked;
      if (code === 'OK' && answer !== undefined) return answer;
      if (code !== 'DIED') {
        if (!this.planned)
          throw new Error(`A question was answered ${code}: ${details}\n${this.daemon.log.slice(-2_000)}`);
        await this.restart();
      }
    }
  }

  /** Starts it anew, with the next plan. A stop may die, too. */
  async restart(): Promise<void> {
    if (this.daemon.runs) this.deaths.push(await this.daemon.end('SIGTERM'));
    await this.#start();
  }

  async remove(): Promise<void> {
    await this.daemon.remove();
  }

  async #unlessHung(answer: Promise<Outcome>): Promise<Outcome> {
    const { hangLimitMs } = this.#options;
    let toldMs = 0;
    for (let waitedMs = 0; waitedMs < hangLimitMs && toldMs < hangLimitMs * TOLD_SHARE; waitedMs += LOOK_MS) {
      const outcome = await Promise.race([answer, sleep(LOOK_MS, null)]);
      if (outcome !== null) return outcome;
      if (TOLD_HANG.test(this.daemon.log.slice(this.#logFrom))) toldMs += LOOK_MS;
    }
    return { code: 'HUNG', details: 'no answer came' };
  }

  async #isGoing({ code, details }: Outcome): Promise<boolean> {
    // What the daemon itself answers says what it cannot do.
    const isBug = code === 'INTERNAL' && details.startsWith('Cannot answer: a mistake');
    if (code !== 'UNAVAILABLE' && code !== 'CANCELLED' && !isBug) return !this.daemon.runs;
    if (!isBug && details.startsWith('Cannot')) return !this.daemon.runs;
    return this.#goes(isBug ? END_LIMIT_MS : GOING_MS);
  }

  async #goes(limitMs: number): Promise<boolean> {
    const pauseMs = 10;
    for (let waitedMs = 0; this.daemon.runs && waitedMs < limitMs; waitedMs += pauseMs) await sleep(pauseMs);
    return !this.daemon.runs;
  }

  async #bury(): Promise<void> {
    const end = await this.daemon.forget();
    if (end !== null) this.deaths.push(end);
  }

  async #start(): Promise<void> {
    for (;;) {
      const plan = this.#options.plans[this.#begun] ?? '';
      if (this.#begun > 0) await this.#options.meanwhile(this.daemon.root);
      this.#begun += 1;
      await this.#bury();
      this.#logFrom = this.daemon.log.length;
      try {
        await this.daemon.start(plan === '' ? {} : { THINSNAP_FAILPOINTS: plan });
        return;
      } catch (error) {
        // A start that was to fail has failed; any other must not, and one that is merely slow has not.
        if (plan === '' || this.daemon.runs) throw error;
        await this.#bury();
      }
    }
  }
}

async function outcomeOf(call: Promise<unknown>): Promise<Outcome> {
  try {
    await call;
    return { code: 'OK', details: '' };
  } catch {
    const { name, details } = await failureOf(call);
    return { code: name, details };
  }
}
