// One who starts and drops containers, one after the other: layers of its own grow on the shared one, and are dropped again.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { commit, type Model, prepare, remove, type Step, update, view } from '../failpoints/steps.ts';
import { LAYER } from '../kills/operations.ts';
import { CONTENT } from '../kills/victim.ts';
import { type Random, randomFrom } from '../random.ts';
import type { SnapshotsClient } from '../snapshots-client.ts';

const LAYERS_MAX = 5;
const WRITTEN_BYTES_MAX = 1024 * 1024;

/** Out of a hundred containers. */
const PERCENT = { mounted: 4, committed: 8, viewed: 5, measured: 10, labelled: 5 } as const;

export interface SoakedDaemon {
  /** Does it, though the daemon may be killed meanwhile: once more then, by the next one. Answers how long the last try took. */
  readonly perform: (step: Step) => Promise<number>;
  /** Asks, again after a kill. */
  readonly ask: <T>(call: (client: SnapshotsClient) => Promise<T>) => Promise<T>;
  /** Mounts it meanwhile; from its beginning again when power failed in its middle. */
  readonly use: (key: string, action: (dir: string) => Promise<void>) => Promise<void>;
}

export class Starter {
  /** What is there of its own. */
  readonly model: Model = new Map();
  /** How long each Prepare took, in order. */
  readonly prepareMs: number[] = [];
  readonly #name: string;
  readonly #daemon: SoakedDaemon;
  readonly #random: Random;
  readonly #layers: string[] = [];
  #started = 0;

  constructor(name: string, seed: number, daemon: SoakedDaemon) {
    this.#name = name;
    this.#random = randomFrom(seed);
    this.#daemon = daemon;
  }

  /** One container, from its start to its end. */
  async start(): Promise<void> {
    this.#started += 1;
    const key = `${this.#name}-${this.#started}`;
    const parents = [LAYER, ...this.#layers];
    const parent = parents[Math.floor(this.#random() * parents.length)] ?? LAYER;
    if (this.#happens('viewed')) return this.#look(key, parent);
    this.prepareMs.push(await this.#done(prepare(key, parent)));
    await this.#daemon.ask((client) => client.mounts(key));
    if (this.#happens('mounted')) await this.#use(key);
    if (this.#happens('measured')) await this.#daemon.ask((client) => client.usage(key));
    if (this.#happens('labelled')) await this.#done(update(key, { 'soak/started': String(this.#started) }));
    if (!this.#happens('committed')) {
      await this.#done(remove(key));
      return;
    }
    await this.#done(commit(`layer ${key}`, key));
    this.#layers.push(`layer ${key}`);
    if (this.#layers.length > LAYERS_MAX) await this.clear();
  }

  /** Drops its layers: those without children first, and so on until none is left. */
  async clear(): Promise<void> {
    for (const layer of this.#layers.splice(0).reverse()) await this.#done(remove(layer));
  }

  async #look(key: string, parent: string): Promise<void> {
    await this.#done(view(key, parent));
    await this.#done(remove(key));
  }

  async #use(key: string): Promise<void> {
    await this.#daemon.use(key, async (dir) => {
      assert.is(await readFile(join(dir, 'file'), 'utf8'), CONTENT);
      await writeFile(join(dir, key), Buffer.alloc(Math.ceil(this.#random() * WRITTEN_BYTES_MAX), key));
    });
  }

  async #done(step: Step): Promise<number> {
    const tookMs = await this.#daemon.perform(step);
    step.apply(this.model);
    return tookMs;
  }

  #happens(what: keyof typeof PERCENT): boolean {
    return this.#random() * 100 < PERCENT[what];
  }
}
