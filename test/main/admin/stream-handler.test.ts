// Streams at their limits: one too many, a client that does not read, a stop.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { STREAMS_MAX } from '../../../src/main/admin/stream-handler.ts';
import { CommandError } from '../../../src/main/cli/command.ts';
import { Admin } from '../../../src/main/rpc/gen/thinsnap/admin/v1/admin_pb.ts';
import { withAdmin } from '../../support/admin.ts';
import { GrpcClient } from '../../support/grpc-client.ts';
import { viewOf } from '../../support/records.ts';
import { withTimeout } from '../../support/with-timeout.ts';

const test = suite('stream-handler');

const LIMIT_MS = 20_000;
/** More than any socket and any window of HTTP/2 hold. */
const EVENTS = 2000;
const KEY_CHARS = 8000;

test('StreamHandlers refuse one stream too many, and take another when one has ended', async () => {
  await withAdmin(async ({ client, core }) => {
    core.volumes.space = { data: { usedBytes: 1000, totalBytes: 1000 }, metadata: null };
    const open = async () => {
      const end = new AbortController();
      const stream = client.stream(Admin.method.events, {}, end.signal);
      await withTimeout(stream.next(), LIMIT_MS, 'the first event');
      return { end, stream };
    };
    const streams = await Promise.all(Array.from({ length: STREAMS_MAX }, open));
    const refused = await open().catch((error: unknown) => error);
    assert.instance(refused, CommandError);
    assert.match(String(refused), /Cannot take a call: 64 streams are open/);
    const [first] = streams;
    first?.end.abort();
    await first?.stream.return();
    // The daemon hears of it a moment later.
    let again: unknown = null;
    for (
      let tries = 0;
      tries < 100 && !(typeof again === 'object' && again !== null && 'stream' in again);
      tries += 1
    ) {
      again = await open().catch((error: unknown) => error);
    }
    assert.not.instance(again, Error);
    for (const { end } of streams) end.abort();
  });
});

test('a client that does not read holds up neither writes nor a stop', async () => {
  await withAdmin(async ({ address, core, stop }) => {
    const deaf = new GrpcClient(address, { channels: 'own' });
    const stream = deaf.stream(Admin.method.events, {});
    stream.on('error', () => undefined);
    core.volumes.space = { data: { usedBytes: 1000, totalBytes: 1000 }, metadata: null };
    await new Promise((resolve) => stream.once('readable', resolve));
    const changes = Array.from({ length: EVENTS }, (_, index) => {
      return { kind: 'put-snapshot', snapshot: viewOf(`${index}${'k'.repeat(KEY_CHARS)}`, 1, 'layer') } as const;
    });
    await withTimeout(core.catalog.write(changes), LIMIT_MS, 'the write');
    await withTimeout(stop(), LIMIT_MS, 'the stop');
    deaf.close();
  });
});

test.run();
