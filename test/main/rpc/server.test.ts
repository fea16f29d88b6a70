// What the server does with a connection that Node.js has given up and forgotten, or that says nothing.

import { join } from 'node:path';
import { test } from 'uvu';
import { listen, OWNER_ONLY } from '../../../src/main/rpc/listener.ts';
import { drain, makeServer } from '../../../src/main/rpc/server.ts';
import { callHeaders, FLAG, frame, RawConnection, resetFrame, TYPE } from '../../support/http2-frames.ts';
import { withScratch } from '../../support/scratch.ts';
import { withTimeout } from '../../support/with-timeout.ts';

const DRAIN_MS = 100;
const LIMIT_MS = 30_000;
/** nghttp2 gives a connection up after a thousand streams that were reset at once. */
const STREAMS = 3000;

test('a connection whose streams were reset too fast is ended, and not left open for good', async () => {
  await withScratch(async (dir) => {
    const server = makeServer({ afterMs: 50, limitMs: 50 });
    const listener = await listen(server, join(dir, 'socket'), OWNER_ONLY);
    const ended = new Promise((resolve) => listener.once('connection', (socket) => socket.once('close', resolve)));
    const connection = await RawConnection.start(join(dir, 'socket'));
    for (let stream = 1; stream < 2 * STREAMS; stream += 200) {
      const some = Array.from({ length: 100 }, (_, index) => stream + 2 * index);
      const opened = some.flatMap((id) => [
        frame([TYPE.headers, FLAG.endHeaders, id], callHeaders('/test.Test/Call')),
        resetFrame(id),
      ]);
      if (!(await connection.send(...opened))) break;
    }
    connection.close();
    await withTimeout(ended, LIMIT_MS, 'the end of a connection that was given up');
    await drain(server, listener, DRAIN_MS);
  });
});

test('a connection that greets and says nothing more, nor answers pings, is ended', async () => {
  await withScratch(async (dir) => {
    const server = makeServer({ afterMs: 50, limitMs: 50 });
    const listener = await listen(server, join(dir, 'socket'), OWNER_ONLY);
    const greeted = await RawConnection.start(join(dir, 'socket'));
    try {
      await withTimeout(greeted.ended(), LIMIT_MS, 'the end of a connection that only greets');
    } finally {
      greeted.close();
      await drain(server, listener, DRAIN_MS);
    }
  });
});

test.run();
