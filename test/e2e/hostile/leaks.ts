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
import { liveOften, repeat } from '../life.ts';
import type { Stage } from '../stage.ts';
import { CASES, SETTLE_MS, settled, withstand } from './calm.ts';

const run = promisify(execFile);
const FILES = 64;

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
    await liveOften(stage, parent, Math.min(calls, 100));
    await fillLanes(stage, parent, warmUp);
    await client.cleanup();
    const before = await factsOf(stage.daemon.pid);
    const attack = async (): Promise<void> => {
      await liveOften(stage, parent, calls);
      await client.cleanup();
    };
    await withstand(stage, attack, { name: `${calls} calls of each kind` });
    await settled(stage.daemon.pid, before);
    const after = await factsOf(stage.daemon.pid);
    assert.equal([after.threads, after.children], [before.threads, before.children]);
    await client.remove(parent);
    await client.cleanup();
    assert.equal(await leftovers.collect(SETTLE_MS), []);
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

/** Has each lane of workers asked for more at once than it has threads: slow, fast, and that of deletions. */
async function fillLanes(stage: Stage, parent: string, count: number): Promise<void> {
  const { client } = stage;
  const keys = Array.from({ length: count }, () => stage.key());
  await Promise.all(keys.map((each) => client.prepare(each, parent)));
  await Promise.all(keys.map((each) => client.usage(each)));
  await Promise.all(keys.map((each) => client.remove(each)));
}
