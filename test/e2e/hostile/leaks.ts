// Thousands of calls, connections and failures leave nothing open: no file, no thread, no child; and running out of files
// is an error, not an end.

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import * as assert from 'uvu/assert';
import { codeOf } from '../../support/grpc-client.ts';
import { RawConnection } from '../../support/http2-frames.ts';
import { factsOf } from '../../support/process-facts.ts';
import type { Stage } from '../stage.ts';
import { CASES, settled, withstand } from './calm.ts';

const run = promisify(execFile);
/** Of each kind. */
const CALLS = Math.max(100, Math.floor(CASES / 10));
const CONNECTIONS = Math.max(100, Math.floor(CASES / 10));
const IN_FLIGHT = 16;
/** More than any lane of workers has threads: they are made when they are needed, and stay. */
const WARM_UP = 64;
const FILES = 64;

export function leaks(stage: Stage): void {
  stage.test(`nothing is left open after ${CALLS} calls of each kind, and as many that fail`, async () => {
    const { client } = stage;
    const parent = await stage.layer();
    const whole = async (): Promise<void> => {
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
    await repeat(Math.min(CALLS, 100), whole);
    await fillLanes(stage, parent);
    await client.cleanup();
    const before = await factsOf(stage.daemon.pid);
    await withstand(stage, async () => {
      await repeat(CALLS, whole);
      await client.cleanup();
    });
    await settled(stage.daemon.pid, before);
    const after = await factsOf(stage.daemon.pid);
    assert.equal([after.threads, after.children], [before.threads, before.children]);
  });

  stage.test(`nothing is left open after ${CONNECTIONS} connections, used, aborted and unused`, async () => {
    const key = await stage.aView();
    const before = await factsOf(stage.daemon.pid);
    await withstand(stage, async () => {
      await repeat(CONNECTIONS, async () => {
        const client = stage.daemon.connect();
        await client.stat(key);
        const call = codeOf(client.stat(key));
        client.close();
        await call;
        const unused = await RawConnection.start(stage.daemon.address);
        unused.close();
      });
    });
    await settled(stage.daemon.pid, before);
    await stage.client.remove(key);
  });

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
async function fillLanes(stage: Stage, parent: string): Promise<void> {
  const { client } = stage;
  const keys = Array.from({ length: WARM_UP }, () => stage.key());
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
