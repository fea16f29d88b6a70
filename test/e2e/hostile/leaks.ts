// Thousands of calls, connections and failures leave nothing: no open file, no thread, no child, no device, no mount, no memory;
// and running out of files is an error, not an end.

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import * as assert from 'uvu/assert';
import { Leftovers, type Scope } from '../../runner/leftovers.ts';
import { codeOf } from '../../support/grpc-client.ts';
import { RawConnection } from '../../support/http2-frames.ts';
import { factsOf } from '../../support/process-facts.ts';
import type { Stage } from '../stage.ts';
import { CASES, print, SETTLE_MS, settled, withstand } from './calm.ts';

const run = promisify(execFile);
const IN_FLIGHT = 16;
const FILES = 64;
/** Calls of one `life`. */
const LIFE_CALLS = 12;
/** How often memory is looked at: what stands at the end of a part is its least, for the heap goes up and down. */
const SAMPLES = 100;
const PARTS = 10;
/** Of calls: below that, the ups and downs of the heap are more than what could leak. */
const TELLING = 100_000;
/** The heap went down by 16 MiB at once, and up again, within 12,000 calls; a leak of 1 KiB would not show beside that. */
const SLOPE_BYTES_MAX = 32 * 1024;

export interface LeakOptions {
  /** Of each kind. */
  readonly calls: number;
  readonly connections: number;
  /** Calls at once. More than any lane of workers has threads: they are made when they are needed, and stay. */
  readonly warmUp: number;
  /** Where devices, mounts and loop devices are looked for: what is the daemon's own, or all that there is. */
  readonly scope: Scope;
}

const OPTIONS: LeakOptions = {
  calls: Math.max(100, Math.floor(CASES / 10)),
  connections: Math.max(100, Math.floor(CASES / 10)),
  warmUp: 64,
  scope: 'own',
};

export function leaks(stage: Stage): void {
  leaksOf(OPTIONS)(stage);
}

export function leaksOf(options: LeakOptions): (stage: Stage) => void {
  return (stage) => {
    manyCalls(stage, options);
    manyConnections(stage, options);
    fewFiles(stage);
  };
}

function manyCalls(stage: Stage, { calls, warmUp, scope }: LeakOptions): void {
  stage.test(`nothing is left after ${calls} calls of each kind, and as many that fail`, async () => {
    const { client } = stage;
    const leftovers = new Leftovers(scope, stage.daemon.root);
    await leftovers.remember();
    const parent = await stage.layer();
    const life = async (): Promise<void> => {
      const [key, name] = [stage.key(), stage.key()];
      await client.prepare(key, parent);
      await client.mounts(key);
      await client.usage(key);
      await client.update({ name: key, labels: { a: 'b' } }, ['labels.a']);
      await client.commit(name, key);
      await client.view(key, name);
      await client.list(`name==${key}`);
      await client.remove(key);
      await client.remove(name);
      assert.is(await codeOf(client.stat(key)), 'NOT_FOUND');
      assert.is(await codeOf(client.prepare(parent)), 'ALREADY_EXISTS');
      assert.is(await codeOf(client.remove(name)), 'NOT_FOUND');
    };
    await repeat(Math.min(calls, 100), life);
    await fillLanes(stage, parent, warmUp);
    await client.cleanup();
    const before = await factsOf(stage.daemon.pid);
    const memory = new Memory(stage.daemon.pid);
    const attack = async (): Promise<void> => {
      let lives = 0;
      await repeat(calls, async () => {
        await life();
        lives += 1;
        if (lives % Math.ceil(calls / SAMPLES) === 0) await memory.look(lives * LIFE_CALLS);
      });
      await client.cleanup();
      print(memory.told());
    };
    await withstand(stage, attack, { name: `${calls} calls of each kind` });
    await settled(stage.daemon.pid, before);
    const after = await factsOf(stage.daemon.pid);
    assert.equal([after.threads, after.children], [before.threads, before.children]);
    await client.remove(parent);
    await client.cleanup();
    assert.equal(await leftovers.collect(SETTLE_MS), []);
    if (calls * LIFE_CALLS >= TELLING) assert.ok(memory.slope() < SLOPE_BYTES_MAX, memory.told());
  });
}

function manyConnections(stage: Stage, { connections, scope }: LeakOptions): void {
  stage.test(`nothing is left open after ${connections} connections, used, aborted and unused`, async () => {
    const key = await stage.aView();
    const leftovers = new Leftovers(scope, stage.daemon.root);
    await leftovers.remember();
    const before = await factsOf(stage.daemon.pid);
    const attack = async (): Promise<void> => {
      await repeat(connections, async () => {
        const client = stage.daemon.connect();
        await client.stat(key);
        const call = codeOf(client.stat(key));
        client.close();
        await call;
        const unused = await RawConnection.start(stage.daemon.address);
        unused.close();
      });
    };
    await withstand(stage, attack, { name: `${connections} connections` });
    await settled(stage.daemon.pid, before);
    const after = await factsOf(stage.daemon.pid);
    assert.equal([after.threads, after.children], [before.threads, before.children]);
    assert.equal(await leftovers.collect(SETTLE_MS), []);
    await stage.client.remove(key);
  });
}

function fewFiles(stage: Stage): void {
  stage.test(`the daemon goes on when it may open ${FILES} files and more connect`, async () => {
    const { pid, address } = stage.daemon;
    // The soft limit alone: a hard one does not go up again.
    const limit = (files: number) => run('prlimit', ['--pid', String(pid), `--nofile=${files}:`]);
    const limits = await readFile(`/proc/${pid}/limits`, 'utf8');
    const before = Number(/^Max open files +(\d+)/m.exec(limits)?.[1]);
    const connections: RawConnection[] = [];
    const parent = await stage.layer();
    await limit(FILES);
    try {
      for (let made = 0; made < 2 * FILES; made += 1) connections.push(await RawConnection.start(address));
      // Whatever it answers: it may have no file left to do it with.
      assert.match(await codeOf(stage.client.prepare(stage.key(), parent)), /^[A-Z_]+$/);
      assert.is(await codeOf(stage.client.stat(parent)), 'OK');
    } finally {
      for (const connection of connections) connection.close();
      await limit(before);
    }
    assert.is(stage.daemon.pid, pid);
    await stage.client.prepare(stage.key(), parent);
  });
}

/** What the daemon has in memory while calls are made. */
class Memory {
  readonly #pid: number;
  readonly #samples: { readonly calls: number; readonly bytes: number }[] = [];

  constructor(pid: number) {
    this.#pid = pid;
  }

  async look(calls: number): Promise<void> {
    this.#samples.push({ calls, bytes: (await factsOf(this.#pid)).rssBytes });
  }

  /** Bytes for each hundred calls, by least squares over the least of each part, without the first third: that is warm-up. */
  slope(): number {
    const parts = this.#parts().slice(Math.ceil(PARTS / 3));
    const mean = (numbers: readonly number[]): number => numbers.reduce((sum, each) => sum + each, 0) / numbers.length;
    const [calls, bytes] = [mean(parts.map((part) => part.calls)), mean(parts.map((part) => part.bytes))];
    const together = mean(parts.map((part) => (part.calls - calls) * (part.bytes - bytes)));
    return (100 * together) / mean(parts.map((part) => (part.calls - calls) ** 2));
  }

  told(): string {
    const kib = this.#parts().map(({ bytes }) => Math.round(bytes / 1024));
    return `memory of ${PARTS} parts, in KiB: ${kib.join(', ')}; ${Math.round(this.slope())} bytes for each 100 calls`;
  }

  #parts(): readonly { readonly calls: number; readonly bytes: number }[] {
    const size = Math.ceil(this.#samples.length / PARTS);
    const starts = Array.from({ length: PARTS }, (_, part) => part * size);
    const parts = starts.map((start) => this.#samples.slice(start, start + size));
    return parts.map((part) => ({
      calls: part.at(-1)?.calls ?? 0,
      bytes: Math.min(...part.map(({ bytes }) => bytes)),
    }));
  }
}

/** Has each lane of workers asked for more at once than it has threads: slow, fast, and that of deletions. */
async function fillLanes(stage: Stage, parent: string, count: number): Promise<void> {
  const { client } = stage;
  const keys = Array.from({ length: count }, () => stage.key());
  await Promise.all(keys.map((each) => client.prepare(each, parent)));
  await Promise.all(keys.map((each) => client.usage(each)));
  await Promise.all(keys.map((each) => client.remove(each)));
}

async function repeat(count: number, action: () => Promise<void>): Promise<void> {
  let left = count;
  const work = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await action();
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, work));
}
