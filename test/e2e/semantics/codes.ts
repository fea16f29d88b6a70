// Which status each wrong call ends with: the table of containerd's storage layer, row by row.

import * as assert from 'uvu/assert';
import { Snapshots } from '../../../src/main/rpc/gen/containerd/services/snapshots/v1/snapshots_pb.ts';
import { codeOf, failureOf } from '../../support/grpc-client.ts';
import type { Stage } from '../stage.ts';

const LABEL_BYTES_MAX = 4096;

export function codes(stage: Stage): void {
  stage.test('List answers OK and nothing when the store is empty', async () => {
    assert.equal(await stage.client.list(), []);
  });
  missing(stage);
  taken(stage);
  invalid(stage);
  wrongKind(stage);
}

function missing(stage: Stage): void {
  stage.test('every call that names a snapshot answers NOT_FOUND when there is none of that name', async () => {
    const { client } = stage;
    const key = stage.key();
    assert.is(await codeOf(client.stat(key)), 'NOT_FOUND');
    assert.is(await codeOf(client.mounts(key)), 'NOT_FOUND');
    assert.is(await codeOf(client.usage(key)), 'NOT_FOUND');
    assert.is(await codeOf(client.commit(stage.key(), key)), 'NOT_FOUND');
    assert.is(await codeOf(client.remove(key)), 'NOT_FOUND');
    assert.is(await codeOf(client.update({ name: key, labels: { a: 'b' } })), 'NOT_FOUND');
    assert.is(await codeOf(client.update({ name: key, labels: { a: 'b' } }, ['labels.a'])), 'NOT_FOUND');
  });

  stage.test('Prepare and View answer NOT_FOUND and make nothing when the parent is missing', async () => {
    const { client } = stage;
    for (const make of [client.prepare.bind(client), client.view.bind(client)]) {
      const key = stage.key();
      assert.is(await codeOf(make(key, stage.key())), 'NOT_FOUND');
      assert.is(await codeOf(client.stat(key)), 'NOT_FOUND');
    }
  });

  stage.test('a snapshot is gone for every call when it was removed or committed', async () => {
    const { client } = stage;
    const [key, name] = [stage.key(), stage.key()];
    await client.prepare(key);
    await client.commit(name, key);
    assert.is(await codeOf(client.stat(key)), 'NOT_FOUND');
    assert.is(await codeOf(client.mounts(key)), 'NOT_FOUND');
    assert.is(await codeOf(client.commit(stage.key(), key)), 'NOT_FOUND');
    await client.remove(name);
    assert.is(await codeOf(client.stat(name)), 'NOT_FOUND');
    assert.is(await codeOf(client.remove(name)), 'NOT_FOUND');
    assert.is(await codeOf(client.prepare(stage.key(), name)), 'NOT_FOUND');
    await client.prepare(name);
  });
}

function taken(stage: Stage): void {
  stage.test(
    'Prepare and View answer ALREADY_EXISTS when the key is an active one, a view or a committed one',
    async () => {
      const { client } = stage;
      const [active, view, committed] = [stage.key(), stage.key(), await stage.layer()];
      await client.prepare(active, committed);
      await client.view(view, committed);
      for (const key of [active, view, committed]) {
        const before = await client.stat(key);
        assert.is(await codeOf(client.prepare(key)), 'ALREADY_EXISTS');
        assert.is(await codeOf(client.prepare(key, committed)), 'ALREADY_EXISTS');
        assert.is(await codeOf(client.view(key)), 'ALREADY_EXISTS');
        assert.is(await codeOf(client.view(key, committed)), 'ALREADY_EXISTS');
        assert.equal(await client.stat(key), before);
      }
    },
  );

  stage.test('Commit answers ALREADY_EXISTS and changes nothing when the name is taken or the key itself', async () => {
    const { client } = stage;
    const [key, view, committed] = [stage.key(), stage.key(), await stage.layer()];
    await client.prepare(key, committed);
    await client.view(view, committed);
    const before = await client.stat(key);
    for (const name of [committed, view, key]) assert.is(await codeOf(client.commit(name, key)), 'ALREADY_EXISTS');
    assert.equal(await client.stat(key), before);
    await client.commit(stage.key(), key);
  });
}

function invalid(stage: Stage): void {
  stage.test('Prepare and View answer INVALID_ARGUMENT when the parent is active or a view', async () => {
    const { client } = stage;
    const [active, view] = [stage.key(), await stage.aView()];
    await client.prepare(active);
    for (const parent of [active, view]) {
      assert.is(await codeOf(client.prepare(stage.key(), parent)), 'INVALID_ARGUMENT');
      assert.is(await codeOf(client.view(stage.key(), parent)), 'INVALID_ARGUMENT');
    }
  });

  stage.test('Prepare, View and Commit answer INVALID_ARGUMENT when the key or name is empty', async () => {
    const { client } = stage;
    const key = stage.key();
    await client.prepare(key);
    assert.is(await codeOf(client.prepare('')), 'INVALID_ARGUMENT');
    assert.is(await codeOf(client.view('')), 'INVALID_ARGUMENT');
    assert.is(await codeOf(client.commit('', key)), 'INVALID_ARGUMENT');
    await client.commit(stage.key(), key);
  });

  stage.test('calls on an empty key answer NOT_FOUND or INVALID_ARGUMENT when nothing can have that name', async () => {
    const { client } = stage;
    const calls = [
      client.stat(''),
      client.mounts(''),
      client.usage(''),
      client.remove(''),
      client.update({ name: '' }),
    ];
    for (const call of calls) assert.match(await codeOf(call), /^(NOT_FOUND|INVALID_ARGUMENT)$/);
    assert.match(await codeOf(client.commit(stage.key(), '')), /^(NOT_FOUND|INVALID_ARGUMENT)$/);
    assert.match(await codeOf(client.grpc.call(Snapshots.method.update, {})), /^(NOT_FOUND|INVALID_ARGUMENT)$/);
  });

  stage.test('a label answers INVALID_ARGUMENT and leaves no trace when it is over 4,096 bytes', async () => {
    const { client } = stage;
    const fits = { k: 'v'.repeat(LABEL_BYTES_MAX - 1) };
    const tooLong = { k: 'é'.repeat(LABEL_BYTES_MAX / 2) };
    const key = stage.key();
    assert.is(await codeOf(client.prepare(key, '', tooLong)), 'INVALID_ARGUMENT');
    assert.is(await codeOf(client.view(key, '', tooLong)), 'INVALID_ARGUMENT');
    assert.is(await codeOf(client.stat(key)), 'NOT_FOUND');
    await client.prepare(key, '', fits);
    assert.is(await codeOf(client.update({ name: key, labels: tooLong })), 'INVALID_ARGUMENT');
    assert.is(await codeOf(client.update({ name: key, labels: tooLong }, ['labels.k'])), 'INVALID_ARGUMENT');
    assert.is(await codeOf(client.commit(stage.key(), key, tooLong)), 'INVALID_ARGUMENT');
    assert.equal((await client.stat(key)).labels, fits);
  });

  for (const path of ['name', 'parent', 'kind', 'created_at', 'updated_at', 'label', 'labelsx', '']) {
    stage.test(`Update answers INVALID_ARGUMENT and changes nothing when its mask holds "${path}"`, async () => {
      const { client } = stage;
      const key = await stage.aView({ a: 'b' });
      const before = await client.stat(key);
      assert.is(await codeOf(client.update({ name: key, labels: { a: 'c' } }, [path])), 'INVALID_ARGUMENT');
      assert.is(await codeOf(client.update({ name: key, labels: { a: 'c' } }, ['labels', path])), 'INVALID_ARGUMENT');
      assert.equal(await client.stat(key), before);
    });
  }
}

function wrongKind(stage: Stage): void {
  stage.test('Mounts answers FAILED_PRECONDITION when the snapshot is committed', async () => {
    assert.is(await codeOf(stage.client.mounts(await stage.layer())), 'FAILED_PRECONDITION');
  });

  stage.test('Commit answers FAILED_PRECONDITION when the key is a view or a committed one', async () => {
    const { client } = stage;
    const [view, committed] = [await stage.aView(), await stage.layer()];
    assert.is(await codeOf(client.commit(stage.key(), view)), 'FAILED_PRECONDITION');
    assert.is(await codeOf(client.commit(stage.key(), committed)), 'FAILED_PRECONDITION');
  });

  stage.test('Remove answers FAILED_PRECONDITION with the word "remove" when the snapshot has children', async () => {
    const { client } = stage;
    const parent = await stage.layer();
    const [active, view] = [stage.key(), stage.key()];
    await client.prepare(active, parent);
    await client.view(view, parent);
    const failure = await failureOf(client.remove(parent));
    assert.is(failure.name, 'FAILED_PRECONDITION');
    assert.match(failure.details, /remove/);
    await client.remove(active);
    assert.is(await codeOf(client.remove(parent)), 'FAILED_PRECONDITION');
    await client.remove(view);
    await client.remove(parent);
  });

  stage.test('Remove answers FAILED_PRECONDITION when the child is a committed one', async () => {
    const { client } = stage;
    const parent = await stage.layer();
    const child = await stage.layer(parent);
    assert.is(await codeOf(client.remove(parent)), 'FAILED_PRECONDITION');
    await client.remove(child);
    await client.remove(parent);
  });
}
