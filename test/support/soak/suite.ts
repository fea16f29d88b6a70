// Containers that come and go for a long time, several at once, while the daemon is killed now and then, or power fails: no answer but
// OK, nothing lost, nothing left over, and as much open at the end as at the beginning.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { nothingIsLeft } from '../clearing.ts';
import { type Daemon, startDaemon } from '../daemon.ts';
import { commit, prepare, remove, type Step, textOf, textOfAll } from '../failpoints/steps.ts';
import { codeOf } from '../grpc-client.ts';
import { heldAsRecorded } from '../kills/holdings.ts';
import { LAYER } from '../kills/operations.ts';
import { CONTENT, type KillGround, LOST } from '../kills/victim.ts';
import { withMounted } from '../mounting.ts';
import { factsOf } from '../process-facts.ts';
import { type Random, randomFrom } from '../random.ts';
import type { SnapshotsClient } from '../snapshots-client.ts';
import { until } from '../until.ts';
import { type Figures, findGrowth, showFigures } from './figures.ts';
import { Starter } from './starter.ts';

const STARTERS = 4;
const ROUNDS_MIN = 2;
/** In each second round power fails instead, where it can. */
const POWER_ROUNDS = 2;
/** For what is removed after the answer. */
const QUIET_LIMIT_MS = 60_000;

/** Of all that a daemon keeps. */
export interface Power {
  /** Whatever is asked of storage from now on fails. */
  readonly cut: () => Promise<void>;
  /** As after a reboot: to be called when no process uses it any more. */
  readonly restore: () => Promise<void>;
}

export interface SoakGround extends KillGround {
  /** null: it does not fail. */
  readonly power: Power | null;
  /** Before the first container comes. What it makes is there all the time. */
  readonly furnish: (daemon: Daemon) => Promise<void>;
}

export interface SoakLength {
  /** Containers that are started, of all who start some. */
  readonly loops: number;
  /** One kill in each so many of them, at one of these. */
  readonly roundLoops: number;
}

export async function soakOn(ground: SoakGround, { loops, roundLoops }: SoakLength, seed: number): Promise<void> {
  const soak = await Soak.begin(ground, seed);
  try {
    const rounds = Math.max(ROUNDS_MIN, Math.ceil(loops / roundLoops));
    for (let round = 1; round <= rounds; round += 1) await soak.round(round, Math.ceil(loops / rounds / STARTERS));
    await soak.end();
    process.stdout.write(`${soak.told()}\n`);
    assert.equal(findGrowth(soak.figures), []);
  } catch (error) {
    throw new Error(`${String(error)}\n${soak.told()}\n${soak.daemon.log.slice(-4_000)}`, { cause: error });
  } finally {
    await soak.daemon.remove();
    await ground.tidy();
  }
}

class Soak {
  readonly daemon: Daemon;
  readonly #ground: SoakGround;
  readonly #random: Random;
  readonly #starters: readonly Starter[];
  readonly #beganMs = performance.now();
  /** Open when the first round was over; null: it is not. */
  #files: number | null = null;
  readonly #rssBytes: number[] = [];
  readonly #threads: number[] = [];
  /** What is there all the time. */
  #kept: readonly string[] = [];
  #kills = 0;
  #cuts = 0;
  #started = 0;
  /** Mounts that are in use. */
  readonly #uses = new Set<Promise<void>>();
  /** Until the next life serves; null: one does. */
  #down: Promise<void> | null = null;

  private constructor(daemon: Daemon, ground: SoakGround, seed: number) {
    this.daemon = daemon;
    this.#ground = ground;
    this.#random = randomFrom(seed);
    this.#starters = Array.from({ length: STARTERS }, (_, at) => new Starter(`starter-${at}`, seed + at + 1, this));
  }

  static async begin(ground: SoakGround, seed: number): Promise<Soak> {
    const soak = new Soak(await startDaemon({ config: ground.config }), ground, seed);
    try {
      await soak.#furnish();
      return soak;
    } catch (error) {
      await soak.daemon.remove();
      throw error;
    }
  }

  /** That have ended before their time. */
  get #lives(): number {
    return this.#kills + this.#cuts;
  }

  async perform(step: Step): Promise<number> {
    let isLost = false;
    for (;;) {
      while (this.#down !== null) await this.#down;
      const [lives, cuts, startMs] = [this.#lives, this.#cuts, performance.now()];
      const code = await codeOf(step.call(this.daemon.client));
      if (code === 'OK' || (isLost && code === step.again)) return performance.now() - startMs;
      // Every try but the last ends with a life, so there are as many as there are lives. Without power it may say what it wants but OK.
      const isExpected = LOST.has(code) ? this.#lives > lives : this.#cuts > cuts;
      assert.ok(isExpected, `${step.title} was answered ${code}`);
      isLost = true;
    }
  }

  async ask<T>(call: (client: SnapshotsClient) => Promise<T>): Promise<T> {
    for (;;) {
      while (this.#down !== null) await this.#down;
      const lives = this.#lives;
      try {
        return await call(this.daemon.client);
      } catch (error) {
        if (this.#lives === lives) throw error;
      }
    }
  }

  async use(key: string, action: (dir: string) => Promise<void>): Promise<void> {
    for (;;) {
      const cuts = this.#cuts;
      const mounts = await this.ask((client) => client.mounts(key));
      const use = withMounted(this.daemon.root, mounts, action);
      this.#uses.add(use);
      try {
        await use;
        return;
      } catch (error) {
        if (this.#cuts === cuts) throw error;
      } finally {
        this.#uses.delete(use);
      }
    }
  }

  /** Each starts so many containers; at one of them the daemon is killed, or power fails. Then all that is there is compared. */
  async round(number: number, loopsEach: number): Promise<void> {
    const power = number % POWER_ROUNDS === 0 ? this.#ground.power : null;
    const killAt = this.#started + Math.ceil(this.#random() * loopsEach * STARTERS);
    await Promise.all(
      this.#starters.map(async (starter) => {
        for (let loop = 0; loop < loopsEach; loop += 1) {
          this.#started += 1;
          if (this.#started === killAt) this.#down = power === null ? this.#kill() : this.#cut(power);
          await starter.start();
        }
      }),
    );
    if (this.#down !== null) await this.#down;
    await this.#compare();
  }

  /** Removes everything, and looks for what is left. */
  async end(): Promise<void> {
    for (const starter of this.#starters) await starter.clear();
    for (const name of this.#kept) await this.perform(remove(name));
    assert.equal(await this.daemon.client.list(), []);
    await nothingIsLeft(this.daemon, this.#ground.leftovers);
    await this.daemon.stop();
  }

  get figures(): Figures {
    const prepareMs = this.#starters.map((starter) => starter.prepareMs);
    return { prepareMs, rssBytes: this.#rssBytes, threads: this.#threads };
  }

  told(): string {
    const tookMs = performance.now() - this.#beganMs;
    const perSecond = (this.#started / tookMs) * 1_000;
    return [
      `${this.#started} containers in ${Math.round(tookMs / 1_000)} s (${perSecond.toFixed(1)}/s), ${this.#kills} kills, ${this.#cuts} power cuts`,
      showFigures(this.figures),
    ].join('\n');
  }

  async #furnish(): Promise<void> {
    await this.perform(prepare('base', ''));
    const mounts = await this.daemon.client.mounts('base');
    await withMounted(this.daemon.root, mounts, (dir) => writeFile(join(dir, 'file'), CONTENT));
    await this.perform(commit(LAYER, 'base'));
    await this.#ground.furnish(this.daemon);
    this.#kept = (await this.daemon.client.list()).map(({ name }) => name);
  }

  async #kill(): Promise<void> {
    this.#kills += 1;
    await this.daemon.kill();
    await this.daemon.start();
    this.#down = null;
  }

  async #cut(power: Power): Promise<void> {
    this.#cuts += 1;
    await power.cut();
    await this.daemon.kill();
    await Promise.allSettled(this.#uses);
    await power.restore();
    await this.daemon.start();
    this.#down = null;
  }

  async #compare(): Promise<void> {
    const theirs = new Map(this.#starters.flatMap(({ model }) => [...model]));
    const infos = await this.daemon.client.list();
    assert.equal(textOfAll(infos.filter(({ name }) => !this.#kept.includes(name))), textOf(theirs));
    const files = this.#files ?? Number.POSITIVE_INFINITY;
    let seen = await factsOf(this.daemon.pid);
    const facts = await until(
      QUIET_LIMIT_MS,
      async () => {
        seen = await factsOf(this.daemon.pid);
        return seen.children === 0 && seen.files.length <= files ? seen : null;
      },
      () => `${seen.children} tools run; ${files} files were open in the first round, now ${seen.files.join(', ')}`,
    );
    this.#files ??= facts.files.length;
    this.#rssBytes.push(facts.rssBytes);
    this.#threads.push(facts.threads);
    await heldAsRecorded(this.daemon, this.#ground.held);
  }
}
