// Clients that are slow, stalled or gone, and lists that are long: they cost their own call, and nobody else's.

import * as assert from 'uvu/assert';
import { Snapshots } from '../../../src/main/rpc/gen/containerd/services/snapshots/v1/snapshots_pb.ts';
import { codeOf } from '../../support/grpc-client.ts';
import { callHeaders, FLAG, frame, grpcMessage, RawConnection, TYPE } from '../../support/http2-frames.ts';
import type { Stage } from '../stage.ts';
import { CASES, GROWTH_BYTES_MAX, withstand } from './calm.ts';

const STALLED = 100;
const LISTED = Math.max(200, Math.min(100_000, CASES));
const LABEL = 'l'.repeat(4000);
const MESSAGE_BYTES_MAX = 1024 * 1024;
/** What a hundred Lists that stand still may cost, a window and two messages each, and one that goes on meanwhile. */
const LISTS_BYTES_MAX = 200 * 1024 * 1024;
const IN_FLIGHT = 32;
const CANCELLED = 100;
const BURST_MIN = 3000;
const BURST = Math.max(BURST_MIN, Math.min(20_000, CASES));
const BURST_CLIENTS = 8;
/** What more calls in flight than in the sample may cost beside. */
const BURST_BYTES_MAX = GROWTH_BYTES_MAX + (BURST - BURST_MIN) * 4096;

export function clients(stage: Stage): void {
  longLists(stage);

  stage.test('others are answered when requests come one byte at a time', async () => {
    const slow = await Promise.all(Array.from({ length: STALLED }, () => RawConnection.start(stage.daemon.address)));
    const open = frame([TYPE.headers, FLAG.endHeaders, 1], callHeaders(`/${Snapshots.typeName}/Stat`));
    const bytes = grpcMessage(Buffer.of(0x12, 1, 97));
    try {
      await withstand(stage, async (attack) => {
        await Promise.all(slow.map((connection) => connection.send(open)));
        let sent = 0;
        do {
          const piece = frame([TYPE.data, FLAG.none, 1], bytes.subarray(sent, sent + 1));
          sent += 1;
          await Promise.all(slow.map((connection) => connection.send(piece)));
          await new Promise((resolve) => setTimeout(resolve, 1000 / bytes.length));
        } while (!attack.over() && sent < bytes.length);
        for (const connection of slow) connection.close();
      });
    } finally {
      for (const connection of slow) connection.close();
    }
  });

  stage.test(`each of ${BURST} calls that come at once is done, or refused and leaves nothing`, async () => {
    const many = await Promise.all(Array.from({ length: BURST_CLIENTS }, async () => stage.daemon.connect()));
    const keys = Array.from({ length: BURST }, () => stage.key());
    const ends = new Map<string, string>();
    try {
      await stage.client.view(stage.key());
      await withstand(
        stage,
        async () => {
          const calls = keys.map(async (key, index) => {
            const client = many[index % many.length];
            if (client !== undefined) ends.set(key, await codeOf(client.view(key)));
          });
          await Promise.all(calls);
        },
        BURST_BYTES_MAX,
      );
    } finally {
      for (const client of many) client.close();
    }
    assert.equal(
      [...new Set(ends.values())].filter((code) => code !== 'RESOURCE_EXHAUSTED'),
      ['OK'],
    );
    await each(keys, async (key) => {
      assert.is(await codeOf(stage.client.remove(key)), ends.get(key) === 'OK' ? 'OK' : 'NOT_FOUND');
    });
  });

  stage.test('each key is there whole or not at all when its Prepare is cancelled at any moment', async () => {
    const parent = await stage.layer();
    const keys = Array.from({ length: CANCELLED }, () => stage.key());
    for (const [index, key] of keys.entries()) {
      const client = stage.daemon.connect();
      await client.stat(parent);
      const call = codeOf(client.prepare(key, parent));
      // From before it is sent until after its answer.
      await new Promise((resolve) => setTimeout(resolve, index / 2));
      client.close();
      assert.match(await call, /^(OK|CANCELLED|UNAVAILABLE)$/);
    }
    for (const key of keys) {
      assert.match(await codeOf(stage.client.prepare(key, parent)), /^(OK|ALREADY_EXISTS)$/);
      assert.is((await stage.client.mounts(key)).length, 1);
    }
    await each(keys, (key) => stage.client.remove(key));
    await stage.client.cleanup();
  });
}

function longLists(stage: Stage): void {
  const keys: string[] = [];
  stage.test(`a List of ${LISTED} snapshots comes in messages of less than 1 MiB, and whole`, async () => {
    for (let made = 0; made < LISTED; made += 1) keys.push(stage.key());
    await each(keys, (key) => stage.client.view(key, '', { label: LABEL }));
    const answers = await stage.client.grpc.collect(Snapshots.method.list, {});
    assert.ok(answers.every(({ bytes }) => bytes < MESSAGE_BYTES_MAX));
    const names = new Set(answers.flatMap(({ message }) => message.info.map(({ name }) => name)));
    assert.is(keys.filter((key) => !names.has(key)).length, 0);
  });

  stage.test(`others are answered when ${STALLED} clients begin a List and read no further`, async () => {
    const idle = Array.from({ length: STALLED }, () => stage.daemon.connect());
    try {
      await withstand(
        stage,
        async () => {
          const streams = idle.map((client) =>
            client.grpc.stream(Snapshots.method.list, {}).on('error', () => undefined),
          );
          // The first message is there, and no more is asked for.
          await Promise.all(streams.map((stream) => new Promise((resolve) => stream.once('readable', resolve))));
          assert.ok((await stage.client.list()).length >= LISTED);
          for (const stream of streams) stream.cancel();
          for (const client of idle) client.close();
        },
        LISTS_BYTES_MAX,
      );
    } finally {
      for (const client of idle) client.close();
    }
    await each(keys, (key) => stage.client.remove(key));
  });
}

async function each(keys: readonly string[], action: (key: string) => Promise<unknown>): Promise<void> {
  const rest = keys.values();
  const work = async (): Promise<void> => {
    for (const key of rest) await action(key);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, work));
}
