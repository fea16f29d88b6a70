// One pass through all operations, by a client that knows what it was told: what was acknowledged is true in every life,
// what was not is there whole or not at all, and asking again leads to the same end. At last everything is removed.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { checkFileSystem, syncFileSystem, withMounted } from '../mounting.ts';
import type { Lives } from './lives.ts';
import { cleanup, commit, type Model, prepare, remove, type Step, textOf, textOfAll, update, view } from './steps.ts';

const MAX_SIZE_LABEL = 'containerd.io/snapshot/max-size';
/** Refusals of one call by a daemon that lives: then it is started again, as an operator would. */
const REFUSALS_MAX = 3;
const TRIES_MAX = 20;

export interface RoundOptions {
  /** More than a base has. */
  readonly grownBytes: number;
}

export class Round {
  /** The calls that were not answered OK: what the plan was good for. */
  readonly disturbed: string[] = [];
  readonly #lives: Lives;
  readonly #options: RoundOptions;
  readonly #model: Model = new Map();

  constructor(lives: Lives, options: RoundOptions) {
    this.#lives = lives;
    this.#options = options;
  }

  async run(): Promise<void> {
    await this.#do(prepare('a', ''));
    await this.#mounted('a', (dir) => writeFile(join(dir, 'file'), 'of a'));
    await this.#do(commit('layer', 'a'));
    await this.#do(prepare('b', 'layer'));
    await this.#do(prepare('larger', 'layer', { [MAX_SIZE_LABEL]: String(this.#options.grownBytes) }));
    // The second of one parent, and from then on some are made ahead; the third may be one of those.
    await this.#do(prepare('second', 'layer'));
    await this.#do(view('v', 'layer'));
    await this.#do(update('layer', { 'a/label': 'new' }));
    await this.#do(update('layer', { 'a/label': 'newer' }));
    await this.#lives.read((client) => client.usage('b'));
    await this.#mounted('b', async (dir) => {
      assert.is(await readFile(join(dir, 'file'), 'utf8'), 'of a');
      await writeFile(join(dir, 'more'), 'of b');
      await syncFileSystem(dir);
      await this.#do(commit('copy', 'b'));
      // Nothing holds it still any more.
      await writeFile(join(dir, 'after'), 'of nobody');
      await syncFileSystem(dir);
    });
    await this.#do(prepare('third', 'layer'));
    await this.#do(prepare('c', 'copy'));
    await this.#mounted('c', async (dir) => {
      assert.is(await readFile(join(dir, 'file'), 'utf8'), 'of a');
      assert.is(await readFile(join(dir, 'more'), 'utf8'), 'of b');
    });
    await this.#mounted('v', async (dir) => assert.is(await readFile(join(dir, 'file'), 'utf8'), 'of a'));
    await this.#do(view('w', 'copy'));
    await this.#removeAll();
  }

  async #removeAll(): Promise<void> {
    for (const key of ['w', 'v', 'c', 'copy', 'larger', 'second', 'third', 'layer']) await this.#do(remove(key));
    await this.#do(cleanup());
    // As systemd stops it; a death on the way is one more.
    await this.#lives.restart();
    await this.#check();
    await this.#do(cleanup());
  }

  /** Until it is done, by an answer or by what is seen of it. */
  async #do(step: Step): Promise<void> {
    const after: Model = new Map(this.#model);
    step.apply(after);
    let refusals = 0;
    for (let tries = 1; tries <= TRIES_MAX; tries += 1) {
      const { code, details } = await this.#lives.ask(step.call);
      if (code !== 'OK') this.disturbed.push(`${step.title}: ${code} ${details}`);
      if (code === 'OK' || (code === step.again && (await this.#isNow(after)))) {
        step.apply(this.#model);
        await this.#check();
        return;
      }
      if (code !== 'DIED') refusals += 1;
      if (refusals > REFUSALS_MAX) {
        assert.ok(this.#lives.planned, `${step.title} goes on failing: ${this.disturbed.at(-1)}`);
        await this.#lives.restart();
        refusals = 0;
      }
      if (!(await this.#isNow(this.#model)) && !(await this.#isNow(after))) {
        assert.equal(await this.#seen(), textOf(this.#model), `${step.title} was ${code}, and is done by halves`);
      }
    }
    throw new Error(
      `${step.title} was never done: ${this.disturbed.join('; ')}\n${this.#lives.daemon.log.slice(-3_000)}`,
    );
  }

  async #check(): Promise<void> {
    assert.equal(await this.#seen(), textOf(this.#model));
    for (const [key, { kind }] of this.#model) {
      if (kind !== 'committed') await this.#lives.read((client) => client.mounts(key));
    }
  }

  async #isNow(model: Model): Promise<boolean> {
    return (await this.#seen()).join('\n') === textOf(model).join('\n');
  }

  async #seen(): Promise<readonly string[]> {
    return textOfAll(await this.#lives.read((client) => client.list()));
  }

  async #mounted(key: string, action: (dir: string) => Promise<unknown>): Promise<void> {
    const mounts = await this.#lives.read((client) => client.mounts(key));
    await withMounted(this.#lives.daemon.root, mounts, action);
    // One that was committed while it was mounted goes once it is let go.
    if (this.#model.has(key)) await checkFileSystem(mounts);
  }
}
