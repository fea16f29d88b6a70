// Requests whose headers are too large, as they are or once they are read, are refused, whatever they ask for.

import { join } from 'node:path';
import { Server, status } from '@grpc/grpc-js';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { boundHeaders, headerBytes } from '../../../src/main/rpc/bound-headers.ts';
import { listen, OWNER_ONLY } from '../../../src/main/rpc/listener.ts';
import { drain } from '../../../src/main/rpc/server.ts';
import { callOverHttp2 } from '../../support/http2-call.ts';
import {
  callHeaders,
  FLAG,
  frame,
  grpcMessage,
  keptHeader,
  newestHeader,
  RawConnection,
  TYPE,
} from '../../support/http2-frames.ts';
import { withScratch } from '../../support/scratch.ts';
import { withTimeout } from '../../support/with-timeout.ts';

const BYTES_MAX = 2_000;
const DRAIN_MS = 100;
const LIMIT_MS = 10_000;
/** More than are answered. */
const STREAMS = 20;

async function withServer(action: (address: string) => Promise<void>): Promise<void> {
  await withScratch(async (dir) => {
    const server = new Server();
    boundHeaders(server, BYTES_MAX);
    const listener = await listen(server, join(dir, 's'), OWNER_ONLY);
    try {
      await action(join(dir, 's'));
    } finally {
      await drain(server, listener, DRAIN_MS);
    }
  });
}

for (const [bytes, answer] of [
  [1_000, 'UNIMPLEMENTED'],
  [BYTES_MAX + 1, 'RESOURCE_EXHAUSTED'],
] as const) {
  test(`${answer} is the answer to a call of nothing with ${bytes} bytes in one header, where ${BYTES_MAX} are allowed`, async () => {
    await withServer(async (address) => {
      const headers = { ':path': '/nothing', 'x-one': 'v'.repeat(bytes) };
      const end = await callOverHttp2(address, headers, grpcMessage(Buffer.alloc(0)));
      assert.is(status[end.grpc ?? -1], answer);
    });
  });
}

test('a connection is ended that goes on with headers that are too large once they are read', async () => {
  await withServer(async (address) => {
    const connection = await RawConnection.start(address);
    const kept = Buffer.concat([callHeaders('/nothing'), keptHeader(['x', 'v'.repeat(1_000)])]);
    await connection.send(frame([TYPE.headers, FLAG.endHeaders, 1], kept));
    for (let stream = 3; stream < 2 * STREAMS; stream += 2) {
      const headers = Buffer.concat([callHeaders('/nothing'), newestHeader(3)]);
      await connection.send(frame([TYPE.headers, FLAG.endHeaders, stream], headers));
    }
    await withTimeout(connection.ended(), LIMIT_MS, 'the end of the connection');
  });
});

test('headerBytes() counts names, values and 32 for each, also of equal names', () => {
  assert.is(headerBytes({}), 0);
  assert.is(headerBytes({ ab: 'cde' }), 37);
  assert.is(headerBytes({ ab: 'cde', 'set-cookie': ['x', 'yz'] }), 37 + 43 + 44);
});

test.run();
