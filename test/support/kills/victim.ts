// A daemon that is killed at a moment nobody chose by its code, and what must be true of the next one: what was acknowledged
// is there, what was not is there whole or not at all, and asking again leads to the same end.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { nothingIsLeft } from '../clearing.ts';
import { type Daemon, startDaemon } from '../daemon.ts';
import { commit, type Model, prepare, remove, type Step, textOf, textOfAll } from '../failpoints/steps.ts';
import type { Ground } from '../failpoints/trial.ts';
import { codeOf } from '../grpc-client.ts';
import { checkFileSystem, withMounted } from '../mounting.ts';
import { type Held, heldAsRecorded } from './holdings.ts';
import { LAYER, type Operation } from './operations.ts';

export const CONTENT = 'of the layer';
/** What a call is answered when nobody is there any more to answer it. */
export const LOST = new Set(['UNAVAILABLE', 'CANCELLED']);

export interface KillGround extends Pick<Ground, 'config' | 'leftovers' | 'tidy'> {
  readonly held: Held;
}

export interface Killed {
  /** Whether it had been answered. */
  readonly isAnswered: boolean;
  /** Until the answer; without one until the kill. */
  readonly tookMs: number;
}

export class Victim {
  readonly daemon: Daemon;
  readonly #ground: KillGround;
  readonly #model: Model = new Map();
  #keys = 0;

  private constructor(daemon: Daemon, ground: KillGround) {
    this.daemon = daemon;
    this.#ground = ground;
  }

  static async begin(ground: KillGround): Promise<Victim> {
    return new Victim(await startDaemon({ config: ground.config }), ground);
  }

  /** Has a layer with a file. */
  async furnish(): Promise<void> {
    await this.#done(prepare('base', ''));
    const mounts = await this.daemon.client.mounts('base');
    await withMounted(this.daemon.root, mounts, (dir) => writeFile(join(dir, 'file'), CONTENT));
    await this.#done(commit(LAYER, 'base'));
  }

  /** How long the operation takes when nothing disturbs it. */
  async durationOf(operation: Operation): Promise<number> {
    const key = this.#newKey();
    for (const step of operation.before(key)) await this.#done(step);
    const startMs = performance.now();
    await this.#done(operation.step(key));
    const durationMs = performance.now() - startMs;
    await this.#clear();
    return durationMs;
  }

  /** Kills it so long after the operation was asked for; fails when the next life is not as it must be. */
  async killIn(operation: Operation, afterMs: number): Promise<Killed> {
    const key = this.#newKey();
    for (const step of operation.before(key)) await this.#done(step);
    const step = operation.step(key);
    const after: Model = new Map(this.#model);
    step.apply(after);
    const startMs = performance.now();
    let answeredMs = afterMs;
    const answer = codeOf(step.call(this.daemon.client)).then((end) => {
      if (end === 'OK') answeredMs = performance.now() - startMs;
      return end;
    });
    const code = await this.#killedAt(answer, afterMs);
    const seen = await this.#seen();
    const story = `${step.title} was answered ${code}, killed after ${afterMs.toFixed(2)} ms`;
    const isDone = seen.join('\n') === textOf(after).join('\n');
    if (code !== 'OK') assert.ok(LOST.has(code), story);
    if (!isDone) assert.equal(seen, textOf(code === 'OK' ? after : this.#model), story);
    // The same again: done now, or found to be done.
    const again = await codeOf(step.call(this.daemon.client));
    assert.is(again, isDone ? step.again : 'OK', `${story}, and asked again answered ${again}`);
    step.apply(this.#model);
    assert.equal(await this.#seen(), textOf(this.#model), story);
    await heldAsRecorded(this.daemon, this.#ground.held);
    if (operation.made !== null) await this.#read(operation.made(key));
    await this.#clear();
    return { isAnswered: code === 'OK', tookMs: answeredMs };
  }

  /** Removes everything, and looks for what is left. */
  async end(): Promise<void> {
    await this.#clear();
    if (this.#model.delete(LAYER)) await this.daemon.client.remove(LAYER);
    await nothingIsLeft(this.daemon, this.#ground.leftovers);
    await this.daemon.stop();
  }

  async remove(): Promise<void> {
    await this.daemon.remove();
    await this.#ground.tidy();
  }

  async #killedAt(answer: Promise<string>, afterMs: number): Promise<string> {
    const deadlineMs = performance.now() + afterMs;
    // A timer of Node's is too coarse for calls of a few milliseconds.
    while (performance.now() < deadlineMs) await nextTurn();
    process.kill(this.daemon.pid, 'SIGKILL');
    const code = await answer;
    await this.daemon.kill();
    await this.daemon.start();
    return code;
  }

  /** It has what it must have, and its file system is sound. */
  async #read(key: string): Promise<void> {
    const { kind, parent } = this.#model.get(key) ?? { kind: 'none', parent: '' };
    const viewed = kind === 'committed' ? `view of ${key}` : key;
    if (viewed !== key) await this.#done({ ...prepare(viewed, key), call: (client) => client.view(viewed, key) });
    const mounts = await this.daemon.client.mounts(viewed);
    await withMounted(this.daemon.root, mounts, async (dir) => {
      const found = await readFile(join(dir, 'file'), 'utf8').catch(() => null);
      assert.is(found, parent === '' ? null : CONTENT);
    });
    // Now that its journal was replayed.
    await checkFileSystem(mounts);
    if (viewed !== key) await this.#done(remove(viewed));
  }

  async #done(step: Step): Promise<void> {
    await step.call(this.daemon.client);
    step.apply(this.#model);
  }

  /** All but the layer, children first. */
  async #clear(): Promise<void> {
    for (const key of [...this.#model.keys()].reverse()) if (key !== LAYER) await this.#done(remove(key));
  }

  async #seen(): Promise<readonly string[]> {
    return textOfAll(await this.daemon.client.list());
  }

  #newKey(): string {
    this.#keys += 1;
    return `key-${this.#keys}`;
  }
}
