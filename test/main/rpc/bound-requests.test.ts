// Requests are refused, or given up, once they are too many, too large or too late; what is refused holds nothing.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Server, type ServerDuplexStream, status } from '@grpc/grpc-js';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { boundRequests, type RequestLimits } from '../../../src/main/rpc/bound-requests.ts';
import { listen, OWNER_ONLY } from '../../../src/main/rpc/listener.ts';
import { drain } from '../../../src/main/rpc/server.ts';
import { callOverHttp2 } from '../../support/http2-call.ts';
import {
  callHeaders,
  FLAG,
  frame,
  grpcMessage,
  RawConnection,
  settingsFrame,
  TYPE,
} from '../../support/http2-frames.ts';
import { withScratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';

const ECHO = '/test.Echo/Say';
const AMPLE: RequestLimits = {
  streams: 100,
  streamsInAnyCase: 2,
  bytes: 20_000,
  bytesInAnyCase: 2_000,
  dialogueBytes: 1_000,
  arrivalMs: 60_000,
};
const TALK = ECHO.replace('Say', 'Talk');
/** SETTINGS_INITIAL_WINDOW_SIZE. */
const WINDOW = 4;
const DRAIN_MS = 100;
const LIMIT_MS = 10_000;

/** Requests that were read, of streams of many. */
let talked = 0;

async function withEcho(limits: Partial<RequestLimits>, action: (address: string) => Promise<void>): Promise<void> {
  const server = new Server({ interceptors: [boundRequests({ ...AMPLE, ...limits })] });
  const same = (bytes: Buffer): Buffer => bytes;
  server.addService(
    {
      Say: {
        path: ECHO,
        requestStream: false,
        responseStream: false,
        requestSerialize: same,
        requestDeserialize: same,
        responseSerialize: same,
        responseDeserialize: same,
      },
      Talk: {
        path: TALK,
        requestStream: true,
        responseStream: true,
        requestSerialize: same,
        requestDeserialize: (bytes: Buffer): Buffer => {
          talked += 1;
          return bytes;
        },
        responseSerialize: same,
        responseDeserialize: same,
      },
    },
    {
      Say: (_call: unknown, callback: (error: null, answer: Buffer) => void) => callback(null, Buffer.alloc(0)),
      Talk: (call: ServerDuplexStream<Buffer, Buffer>) => {
        call.on('data', (request: Buffer) => void call.write(request)).on('end', () => call.end());
      },
    },
  );
  await withScratch(async (dir) => {
    await mkdir(join(dir, 'a'));
    const listener = await listen(server, join(dir, 'a', 's'), OWNER_ONLY);
    try {
      await action(join(dir, 'a', 's'));
    } finally {
      await drain(server, listener, DRAIN_MS);
    }
  });
}

async function ask(address: string, bytes = 0): Promise<string | undefined> {
  const { grpc } = await callOverHttp2(address, { ':path': ECHO }, grpcMessage(Buffer.alloc(bytes)));
  return status[grpc ?? -1];
}

function begin(stream: number, bytes = 0): Buffer {
  const open = frame([TYPE.headers, FLAG.endHeaders, stream], callHeaders(ECHO));
  const data = grpcMessage(Buffer.alloc(bytes), { lengthBytes: 1_000_000 });
  return Buffer.concat([open, frame([TYPE.data, FLAG.none, stream], data)]);
}

/** Until it is so: what another connection did shows a moment later. */
async function answers(address: string, code: string, bytes = 0): Promise<void> {
  let last: string | undefined;
  await until(
    LIMIT_MS,
    async () => {
      last = await ask(address, bytes);
      return last === code ? true : null;
    },
    () => `${last}, not ${code}`,
  );
}

for (const [streamsInAnyCase, answer] of [
  [0, 'RESOURCE_EXHAUSTED'],
  [1, 'OK'],
] as const) {
  test(`${answer} is the answer when too many requests are here and a client that has none may have ${streamsInAnyCase}`, async () => {
    await withEcho({ streams: 2, streamsInAnyCase }, async (address) => {
      const other = await RawConnection.start(address);
      await other.send(begin(1), begin(3), begin(5));
      await answers(address, answer);
      other.close();
      await answers(address, 'OK');
    });
  });
}

test('a request is refused when all together hold too much, and taken when they are gone', async () => {
  await withEcho({}, async (address) => {
    const other = await RawConnection.start(address);
    await other.send(begin(1, 8_000), begin(3, 8_000));
    await answers(address, 'RESOURCE_EXHAUSTED', 5_000);
    assert.is(await ask(address, 1_000), 'OK');
    other.close();
    await answers(address, 'OK', 5_000);
  });
});

test('headers count as well when all together hold too much', async () => {
  await withEcho({}, async (address) => {
    const other = await RawConnection.start(address);
    const headers = callHeaders(ECHO, [['x', 'v'.repeat(8_000)]]);
    await other.send(...[1, 3, 5].map((stream) => frame([TYPE.headers, FLAG.endHeaders, stream], headers)));
    await answers(address, 'RESOURCE_EXHAUSTED', 5_000);
    other.close();
    await answers(address, 'OK', 5_000);
  });
});

test('a request is refused when it is compressed', async () => {
  await withEcho({}, async (address) => {
    const end = await callOverHttp2(
      address,
      { ':path': ECHO, 'grpc-encoding': 'gzip' },
      grpcMessage(Buffer.alloc(9), { flag: 1 }),
    );
    assert.is(status[end.grpc ?? -1], 'UNIMPLEMENTED');
  });
});

test('a stream of many requests is ended when it has had too much of them', async () => {
  await withEcho({}, async (address) => {
    const talk = (bytes: number) => callOverHttp2(address, { ':path': TALK }, grpcMessage(Buffer.alloc(bytes)));
    assert.is((await talk(900)).grpc, status.OK);
    assert.is((await talk(1_100)).grpc, status.RESOURCE_EXHAUSTED);
  });
});

test('what has come of a stream already is not answered once it is refused, also when no answer can be sent', async () => {
  await withEcho({}, async (address) => {
    const other = await RawConnection.start(address, settingsFrame(WINDOW, 0));
    const request = grpcMessage(Buffer.alloc(5));
    const requests = Array.from({ length: 10_000 }, () => frame([TYPE.data, FLAG.none, 1], request));
    talked = 0;
    await other.send(frame([TYPE.headers, FLAG.endHeaders, 1], callHeaders(TALK)), ...requests);
    await answers(address, 'OK');
    other.close();
    // And the one that was too much.
    const most = AMPLE.dialogueBytes / request.length + 1;
    assert.ok(talked > 0 && talked <= most, `${talked} requests, where ${most} are allowed`);
  });
});

test('a request is given up when it does not arrive in time', async () => {
  await withEcho({ arrivalMs: 50, streams: 1, streamsInAnyCase: 0 }, async (address) => {
    const other = await RawConnection.start(address);
    await other.send(begin(1));
    await answers(address, 'OK');
    assert.is(other.gone, false);
    other.close();
  });
});

test.run();
