// Clients that are slow, stalled or gone, and lists that are long: they cost their own call, and nobody else's.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { Snapshots } from '../../../src/main/rpc/gen/containerd/services/snapshots/v1/snapshots_pb.ts';
import { codeOf } from '../../support/grpc-client.ts';
import { callHeaders, FLAG, frame, grpcMessage, RawConnection, TYPE } from '../../support/http2-frames.ts';
import type { Stage } from '../stage.ts';
import { ATTACK_MS, type Attack, CASES, GROWTH_BYTES_MAX, IDLE_RATIO_MAX, withstand } from './calm.ts';
import { each, longLists, type Store } from './lists.ts';

const STALLED = 100;
/** The bytes of a request that comes one by one: a second each, where the attack is long enough. */
const DRIPS = Math.max(8, Math.ceil(ATTACK_MS / 1000));
const DRIP_MS = Math.max(1000, ATTACK_MS) / DRIPS;
/** What a hundred Lists that stand still may cost, a window and two messages each, and one that goes on meanwhile. */
const LISTS_BYTES_MAX = 200 * 1024 * 1024;
const CANCELLED = 100;
/** Of those, every so manieth is mounted. */
const MOUNTED_EACH = Math.max(1, Math.floor(10_000 / CASES));
const BURST_MIN = 3000;
const BURST = Math.max(BURST_MIN, Math.min(20_000, CASES));
const BURST_CLIENTS = 8;
/** What more calls in flight than in the sample may cost beside. */
const BURST_BYTES_MAX = GROWTH_BYTES_MAX + (BURST - BURST_MIN) * 4096;

export function clients(stage: Stage): void {
  stalledLists(stage, longLists(stage));

  stage.test('others are answered when requests come one byte at a time', async () => {
    const slow = await Promise.all(Array.from({ length: STALLED }, () => RawConnection.start(stage.daemon.address)));
    const open = frame([TYPE.headers, FLAG.endHeaders, 1], callHeaders(`/${Snapshots.typeName}/Stat`));
    const key = Buffer.alloc(Math.min(DRIPS - 7, 127), 'a');
    const bytes = grpcMessage(Buffer.concat([Buffer.of(0x12, key.length), key]));
    try {
      const attacked = async (attack: Attack): Promise<void> => {
        await Promise.all(slow.map((connection) => connection.send(open)));
        let sent = 0;
        do {
          const piece = frame([TYPE.data, FLAG.none, 1], bytes.subarray(sent, sent + 1));
          sent += 1;
          await Promise.all(slow.map((connection) => connection.send(piece)));
          await sleep(DRIP_MS);
        } while (!attack.over() && sent < bytes.length);
        for (const connection of slow) connection.close();
      };
      await withstand(stage, attacked, {
        name: `${STALLED} clients, a byte each ${DRIP_MS} ms`,
        medianRatioMax: IDLE_RATIO_MAX,
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
        { name: `${BURST} calls at once`, growthBytesMax: BURST_BYTES_MAX },
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

  cancelledPrepares(stage);
}

function cancelledPrepares(stage: Stage): void {
  stage.test('each key is there whole or not at all when its Prepare is cancelled at any moment', async () => {
    const parent = await stage.layer('', (dir) => writeFile(join(dir, 'known'), 'of the layer'));
    const keys = Array.from({ length: CANCELLED }, () => stage.key());
    for (const [index, key] of keys.entries()) {
      const client = stage.daemon.connect();
      await client.stat(parent);
      const call = codeOf(client.prepare(key, parent));
      // From before it is sent until after its answer.
      await sleep(index / 2);
      client.close();
      assert.match(await call, /^(OK|CANCELLED|UNAVAILABLE)$/);
    }
    for (const [index, key] of keys.entries()) {
      assert.match(await codeOf(stage.client.prepare(key, parent)), /^(OK|ALREADY_EXISTS)$/);
      const mounts = await stage.client.mounts(key);
      assert.is(mounts.length, 1);
      if (index % MOUNTED_EACH !== 0) continue;
      await stage.mounted(mounts, async (dir) => {
        assert.is(await readFile(join(dir, 'known'), 'utf8'), 'of the layer');
        await writeFile(join(dir, 'own'), key);
      });
    }
    await each(keys, (key) => stage.client.remove(key));
    await stage.client.cleanup();
  });
}

function stalledLists(stage: Stage, { keys }: Store): void {
  stage.test(`others are answered when ${STALLED} clients begin a List and read no further`, async () => {
    const idle = Array.from({ length: STALLED }, () => stage.daemon.connect());
    const attack = async (): Promise<void> => {
      const streams = idle.map((client) => client.grpc.stream(Snapshots.method.list, {}).on('error', () => undefined));
      // The first message is there, and no more is asked for.
      await Promise.all(streams.map((stream) => new Promise((resolve) => stream.once('readable', resolve))));
      assert.ok((await stage.client.list()).length >= keys.length);
      for (const stream of streams) stream.cancel();
      for (const client of idle) client.close();
    };
    try {
      await withstand(stage, attack, { name: `${STALLED} Lists that stand still`, growthBytesMax: LISTS_BYTES_MAX });
    } finally {
      for (const client of idle) client.close();
    }
    await each(keys, (key) => stage.client.remove(key));
  });
}
