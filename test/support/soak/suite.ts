// Containers that come and go for a long time, several at once, while the daemon is killed now and then: no answer but OK, nothing
// lost, nothing left over, and as much open at the end as at the beginning.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Daemon, startDaemon } from '../daemon.ts';
import { commit, prepare, remove, type Step, textOf, textOfAll } from '../failpoints/steps.ts';
import { nothingIsLeft } from '../failpoints/trial.ts';
import { codeOf } from '../grpc-client.ts';
import { LAYER } from '../kills/operations.ts';
import { CONTENT, type KillGround, LOST } from '../kills/victim.ts';
import { withMounted } from '../mounting.ts';
import { factsOf } from '../process-facts.ts';
import { type Random, randomFrom } from '../random.ts';
import { asRootWith } from '../requirements.ts';
import type { SnapshotsClient } from '../snapshots-client.ts';
import { until } from '../until.ts';
import { Starter } from './starter.ts';

const STARTERS = 4;
/** One kill in each so many containers, at one of them. */
const ROUND_LOOPS = 1_000;
const ROUNDS_MIN = 2;
/** For what is removed after the answer. */
const QUIET_LIMIT_MS = 60_000;

/** `loops`: containers that are started, of all who start some. */
export function soakSuite(ground: KillGround, loops: number, seed: number): void {
  const asRoot = asRootWith(test, 'losetup');
  asRoot(`${loops} containers come and go, seed ${seed}`, async () => {
    const soak = await Soak.begin(ground, seed);
    try {
      const rounds = Math.max(ROUNDS_MIN, Math.ceil(loops / ROUND_LOOPS));
      for (let round = 1; round <= rounds; round += 1) await soak.round(Math.ceil(loops / rounds / STARTERS));
      await soak.end();
      process.stdout.write(`${soak.told()}\n`);
    } catch (error) {
      throw new Error(`${String(error)}\n${soak.told()}\n${soak.daemon.log.slice(-4_000)}`, { cause: error });
    } finally {
      await soak.daemon.remove();
      await ground.tidy();
    }
  });
  test.run();
}

class Soak {
  readonly daemon: Daemon;
  readonly #ground: KillGround;
  readonly #random: Random;
  readonly #starters: readonly Starter[];
  readonly #beganMs = performance.now();
  /** Open when the first round was over; null: it is not. */
  #files: number | null = null;
  #rssBytes: number[] = [];
  #kills = 0;
  #started = 0;
  /** Until the next life serves; null: one does. */
  #down: Promise<void> | null = null;

  private constructor(daemon: Daemon, ground: KillGround, seed: number) {
    this.daemon = daemon;
    this.#ground = ground;
    this.#random = randomFrom(seed);
    this.#starters = Array.from({ length: STARTERS }, (_, at) => new Starter(`starter-${at}`, seed + at + 1, this));
  }

  static async begin(ground: KillGround, seed: number): Promise<Soak> {
    const soak = new Soak(await startDaemon({ config: ground.config }), ground, seed);
    await soak.perform(prepare('base', ''));
    await withMounted(soak.root, await soak.daemon.client.mounts('base'), (dir) =>
      writeFile(join(dir, 'file'), CONTENT),
    );
    await soak.perform(commit(LAYER, 'base'));
    return soak;
  }

  get root(): string {
    return this.daemon.root;
  }

  async perform(step: Step): Promise<number> {
    let isLost = false;
    for (;;) {
      while (this.#down !== null) await this.#down;
      const [kills, startMs] = [this.#kills, performance.now()];
      const code = await codeOf(step.call(this.daemon.client));
      if (code === 'OK' || (isLost && code === step.again)) return performance.now() - startMs;
      // Every try but the last ends by a kill of ours, so there are as many as there are kills.
      assert.ok(LOST.has(code) && this.#kills > kills, `${step.title} was answered ${code}`);
      isLost = true;
    }
  }

  async ask<T>(call: (client: SnapshotsClient) => Promise<T>): Promise<T> {
    for (;;) {
      while (this.#down !== null) await this.#down;
      const kills = this.#kills;
      try {
        return await call(this.daemon.client);
      } catch (error) {
        if (this.#kills === kills) throw error;
      }
    }
  }

  /** Each starts so many containers; at one of them the daemon is killed. Then all that is there is compared. */
  async round(loopsEach: number): Promise<void> {
    const killAt = this.#started + Math.ceil(this.#random() * loopsEach * STARTERS);
    await Promise.all(
      this.#starters.map(async (starter) => {
        for (let loop = 0; loop < loopsEach; loop += 1) {
          this.#started += 1;
          if (this.#started === killAt) this.#down = this.#kill();
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
    await this.perform(remove(LAYER));
    assert.equal(await this.daemon.client.list(), []);
    await nothingIsLeft(this.#ground, this.daemon, () => this.daemon.client.cleanup());
    await this.daemon.stop();
  }

  told(): string {
    const tookMs = performance.now() - this.#beganMs;
    const perSecond = (this.#started / tookMs) * 1_000;
    const [first, last] = [this.#tenths(0, 0.1), this.#tenths(0.9, 1)];
    const memory = this.#rssBytes.map((bytes) => Math.round(bytes / 2 ** 20)).join(', ');
    return [
      `${this.#started} containers in ${Math.round(tookMs / 1_000)} s (${perSecond.toFixed(1)}/s), ${this.#kills} kills`,
      `Prepare: ${first} in the first tenth, ${last} in the last`,
      `MiB in memory after each round: ${memory}`,
    ].join('\n');
  }

  #tenths(from: number, to: number): string {
    const all = this.#starters.flatMap(({ prepareMs }) =>
      prepareMs.slice(Math.floor(from * prepareMs.length), Math.ceil(to * prepareMs.length)),
    );
    all.sort((one, other) => one - other);
    const at = (part: number): string => (all[Math.floor(part * (all.length - 1))] ?? Number.NaN).toFixed(1);
    return `median ${at(0.5)} ms, p99 ${at(0.99)} ms`;
  }

  async #kill(): Promise<void> {
    this.#kills += 1;
    await this.daemon.kill();
    await this.daemon.start();
    this.#down = null;
  }

  async #compare(): Promise<void> {
    const theirs = new Map(this.#starters.flatMap(({ model }) => [...model]));
    const infos = await this.daemon.client.list();
    assert.equal(textOfAll(infos.filter(({ name }) => name !== LAYER)), textOf(theirs));
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
  }
}
