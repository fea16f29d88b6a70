// Services that are loaded at their first call, over a real socket: nothing is loaded before, and what fails is one call's.

import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Health } from '../../../src/main/rpc/health.ts';
import { addLazily } from '../../../src/main/rpc/lazy-services.ts';
import { listen, OWNER_ONLY } from '../../../src/main/rpc/listener.ts';
import { addReflection } from '../../../src/main/rpc/reflection.ts';
import { drain, makeServer } from '../../../src/main/rpc/server.ts';
import { codeOf, failureOf, GrpcClient } from '../../support/grpc-client.ts';
import { withScratch } from '../../support/scratch.ts';

type Server = ReturnType<typeof makeServer>;

const test = suite('lazy services');

const DRAIN_MS = 1000;
const CHECK = '/grpc.health.v1.Health/Check';
const LIST = '/grpc.health.v1.Health/List';
const REFLECT = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
/** grpc.health.v1.HealthCheckResponse: SERVING and NOT_SERVING. */
const [SERVING, NOT_SERVING] = [Buffer.of(8, 1), Buffer.of(8, 2)];
const NOTHING = Buffer.alloc(0);
/** A field of a wire type that does not exist. */
const MALFORMED = Buffer.of(0x0f);

async function withServer(add: (server: Server) => void, action: (client: GrpcClient) => Promise<void>): Promise<void> {
  await withScratch(async (dir) => {
    const server = makeServer();
    add(server);
    const listener = await listen(server, join(dir, 'socket'), OWNER_ONLY);
    const client = new GrpcClient(join(dir, 'socket'));
    try {
      await action(client);
    } finally {
      client.close();
      await drain(server, listener, DRAIN_MS);
    }
  });
}

test('addLazily() loads once, at the first call, and again after a load that failed', async () => {
  let loads = 0;
  const add = (server: Server): void => {
    addLazily(server, { [CHECK]: 'unary', [LIST]: 'unary', '/x.Y/Missing': 'unary' }, async () => {
      loads += 1;
      if (loads === 1) throw new Error('the file is gone');
      const { HealthImplementation } = await import('grpc-health-check');
      return new HealthImplementation({ '': 'SERVING' });
    });
  };
  await withServer(add, async (client) => {
    assert.is(loads, 0);
    assert.equal(await failureOf(client.raw(CHECK, NOTHING)), { name: 'INTERNAL', details: 'the file is gone' });
    const answers = await Promise.all([client.raw(CHECK, NOTHING), client.raw(CHECK, NOTHING)]);
    assert.equal(answers, [SERVING, SERVING]);
    await client.raw(LIST, NOTHING);
    assert.is(loads, 2);
    assert.match((await failureOf(client.raw('/x.Y/Missing', NOTHING))).details, /has no \/x\.Y\/Missing/);
  });
});

test('Health says NOT_SERVING once it was stopped, also when it was never asked before', async () => {
  for (const asked of [true, false]) {
    const health = new Health(['a.B']);
    await withServer(
      (server) => health.addToServer(server),
      async (client) => {
        if (asked) assert.equal(await client.raw(CHECK, NOTHING), SERVING);
        health.stop();
        assert.equal(await client.raw(CHECK, NOTHING), NOT_SERVING);
        assert.equal(await client.raw(CHECK, Buffer.concat([Buffer.of(0x0a, 3), Buffer.from('a.B')])), NOT_SERVING);
      },
    );
  }
});

test('a request that is no message fails alone, in a unary call and in a stream', async () => {
  const add = (server: Server): void => {
    new Health([]).addToServer(server);
    addReflection(server, 'containerd/services/snapshots/v1/snapshots.proto');
  };
  await withServer(add, async (client) => {
    assert.is(await codeOf(client.raw(CHECK, MALFORMED)), 'INTERNAL');
    assert.is(await codeOf(client.exchange(REFLECT, MALFORMED)), 'INTERNAL');
    assert.equal(await client.raw(CHECK, NOTHING), SERVING);
    const services = await client.exchange(REFLECT, Buffer.from([0x3a, 1, ...Buffer.from('*')]));
    assert.ok(services.includes('containerd.services.snapshots.v1.Snapshots'));
  });
});

test.run();
