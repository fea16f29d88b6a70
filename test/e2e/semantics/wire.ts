// The service below its calls: methods nobody knows, messages too large, bytes that are no message, clients that leave,
// and the two standard services beside ours.

import { once } from 'node:events';
import { connect } from 'node:net';
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { Snapshots } from '../../../src/main/rpc/gen/containerd/services/snapshots/v1/snapshots_pb.ts';
import { codeOf, isServing } from '../../support/grpc-client.ts';
import type { LabelMap } from '../../support/snapshots-client.ts';
import { withTimeout } from '../../support/with-timeout.ts';
import type { Stage } from '../stage.ts';

const SERVICE = Snapshots.typeName;
/** What containerd lets through in either direction. */
const MESSAGE_BYTES_MAX = 16 * 1024 * 1024;
const LABEL_BYTES = 4000;
/** A connection that speaks no HTTP/2 is closed at once, or left to itself. */
const CLOSE_LIMIT_MS = 30_000;

export function wire(stage: Stage): void {
  standards(stage);
  limits(stage);
  garbage(stage);
  leaving(stage);
}

function standards(stage: Stage): void {
  stage.test('the health service says SERVING when asked for the whole and for the snapshots service', async () => {
    const { grpc } = stage.client;
    assert.is(await isServing(grpc), true);
    const ofService = Buffer.from([0x0a, SERVICE.length, ...Buffer.from(SERVICE)]);
    assert.equal(await grpc.raw('/grpc.health.v1.Health/Check', ofService), Buffer.of(0x08, 0x01));
    const ofNobody = Buffer.from([0x0a, 6, ...Buffer.from('nobody')]);
    assert.is(await codeOf(grpc.raw('/grpc.health.v1.Health/Check', ofNobody)), 'NOT_FOUND');
  });

  for (const version of ['v1', 'v1alpha']) {
    stage.test(`server reflection tells of the snapshots service when asked in ${version}`, async () => {
      const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
      const { grpc } = stage.client;
      // Field 7: list_services; field 4: file_containing_symbol.
      const services = await grpc.exchange(path, Buffer.from([0x3a, 1, ...Buffer.from('*')]));
      assert.ok(services.includes(SERVICE));
      const file = await grpc.exchange(path, Buffer.from([0x22, SERVICE.length, ...Buffer.from(SERVICE)]));
      assert.ok(file.includes('PrepareSnapshotRequest'));
    });
  }

  stage.test('a call answers UNIMPLEMENTED when nobody knows the method or the service', async () => {
    const { grpc } = stage.client;
    for (const path of [
      `/${SERVICE}/Nope`,
      `/${SERVICE}/prepare`,
      `/${SERVICE}/`,
      '/nobody.Service/Call',
      '/x',
      '//',
    ]) {
      assert.is(await codeOf(grpc.raw(path, Buffer.alloc(0))), 'UNIMPLEMENTED', path);
    }
  });
}

function limits(stage: Stage): void {
  stage.test('a request of 12 MiB is taken and its answer given when labels are many', async () => {
    const labels = labelsOf(12 * 1024 * 1024);
    const key = await stage.aView(labels);
    assert.equal((await stage.client.stat(key)).labels, labels);
    await stage.client.remove(key);
  });

  stage.test('a request answers RESOURCE_EXHAUSTED and others go on when it is over 16 MiB', async () => {
    const key = stage.key();
    const labels = labelsOf(MESSAGE_BYTES_MAX + LABEL_BYTES);
    assert.is(await codeOf(stage.client.view(key, '', labels)), 'RESOURCE_EXHAUSTED');
    assert.is(await codeOf(stage.client.stat(key)), 'NOT_FOUND');
  });

  stage.test('no snapshot grows past what Stat can answer when Updates add labels', async () => {
    const { client } = stage;
    const key = await stage.aView(labelsOf(9 * 1024 * 1024));
    const more = Object.fromEntries(
      Object.entries(labelsOf(9 * 1024 * 1024)).map(([name, value]) => [`more-${name}`, value]),
    );
    const paths = Object.keys(more).map((name) => `labels.${name}`);
    assert.match(
      await codeOf(client.update({ name: key, labels: more }, paths)),
      /^(INVALID_ARGUMENT|RESOURCE_EXHAUSTED)$/,
    );
    assert.is(await codeOf(client.stat(key)), 'OK');
    assert.is(await codeOf(client.list()), 'OK');
    await client.remove(key);
  });
}

function garbage(stage: Stage): void {
  stage.test('a request fails with a status when its key is no UTF-8', async () => {
    for (const method of ['Prepare', 'View', 'Stat', 'Remove']) {
      const code = await codeOf(stage.client.grpc.raw(`/${SERVICE}/${method}`, Buffer.of(0x12, 2, 0xff, 0xfe)));
      assert.match(code, /^(INVALID_ARGUMENT|INTERNAL)$/);
    }
  });

  stage.test('the daemon goes on and makes nothing without an OK when requests are random bytes', async () => {
    const { client, daemon } = stage;
    const { pid } = daemon;
    const before = new Set((await client.list()).map(({ name }) => name));
    // Some bytes are a request by chance, as this example is.
    const example: [string, Uint8Array<ArrayBuffer>] = ['Prepare', Uint8Array.of(0x12, 1, 0x78)];
    let made = 0;
    const methods = ['Prepare', 'View', 'Mounts', 'Commit', 'Remove', 'Stat', 'Update', 'Usage', 'Cleanup'];
    const request = fc.tuple(fc.constantFrom(...methods), fc.uint8Array({ maxLength: 64 }));
    await fc.assert(
      fc.asyncProperty(request, async ([method, bytes]) => {
        const code = await codeOf(client.grpc.raw(`/${SERVICE}/${method}`, bytes));
        assert.match(code, /^[A-Z_]+$/);
        if (code === 'OK' && (method === 'Prepare' || method === 'View')) made += 1;
      }),
      { numRuns: 300, examples: [[example]] },
    );
    const names = (await client.list()).map(({ name }) => name).filter((name) => !before.has(name));
    assert.ok(made > 0);
    assert.is(names.length, made, names.map((name) => JSON.stringify(name)).join());
    for (const name of names) await client.remove(name);
    assert.is(daemon.pid, pid);
  });

  stage.test('the daemon goes on when connections speak no HTTP/2 or say nothing', async () => {
    const { address } = stage.daemon;
    const idle = Array.from({ length: 20 }, () => connect(address).on('error', () => undefined));
    const rude = Array.from({ length: 20 }, () => connect(address).on('error', () => undefined));
    try {
      const closed = Promise.all(rude.map((socket) => once(socket, 'close')));
      for (const socket of rude) socket.end('GET / HTTP/1.1\r\n\r\n\0\xff garbage'.repeat(100)).resume();
      await withTimeout(closed, CLOSE_LIMIT_MS, 'The end of connections that speak no HTTP/2');
      assert.is(await isServing(stage.client.grpc), true);
    } finally {
      for (const socket of [...idle, ...rude]) socket.destroy();
    }
  });
}

function leaving(stage: Stage): void {
  stage.test('each key is there whole or not at all when the clients leave amid their Prepares', async () => {
    const parent = await stage.layer();
    const keys = Array.from({ length: 24 }, () => stage.key());
    const clients = keys.map(() => stage.daemon.connect());
    await Promise.all(clients.map((client) => client.stat(parent)));
    const left = clients.map((client, index) =>
      codeOf(client.prepare(keys.at(index) ?? '', index % 2 === 0 ? parent : '')),
    );
    // Some are sent, some are not: closing a channel ends its calls.
    await stage.client.stat(parent);
    for (const client of clients) client.close();
    for (const key of keys) {
      assert.match(await codeOf(stage.client.prepare(key, parent)), /^(OK|ALREADY_EXISTS)$/);
      assert.is((await stage.client.mounts(key)).length, 1);
      await stage.client.remove(key);
    }
    for (const end of await Promise.all(left)) assert.match(end, /^[A-Z_]+$/);
  });
}

function labelsOf(bytes: number): LabelMap {
  const value = 'v'.repeat(LABEL_BYTES);
  const count = Math.ceil(bytes / LABEL_BYTES);
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`label-${index}`, value]));
}
