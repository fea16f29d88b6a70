// What Stat tells of a snapshot: kind, parent, times, labels, and how Update and Commit change them.

import * as assert from 'uvu/assert';
import { Kind } from '../../../src/main/rpc/gen/containerd/services/snapshots/v1/snapshots_pb.ts';
import { Clock } from '../../../src/main/snapshots/clock.ts';
import { createdNs, type Stage, updatedNs } from '../stage.ts';

/** How far two clocks of one machine, each exact to a few looks, may lie apart. */
const CLOCK_SLACK_NS = 100_000n;
/** Go's zero time, which containerd's client sends in both timestamps of an Update. */
const GO_ZERO = { seconds: -62_135_596_800n, nanos: 0 };

const clock = new Clock();

function nowNs(): bigint {
  const { seconds, nanos } = clock.now();
  return seconds * 1_000_000_000n + BigInt(nanos);
}

export function infos(stage: Stage): void {
  kinds(stage);
  times(stage);
  updates(stage);
  labels(stage);
}

function kinds(stage: Stage): void {
  stage.test('Stat tells name, kind and parent when the snapshot is active, a view or committed', async () => {
    const { client } = stage;
    const [active, view, parent] = [stage.key(), stage.key(), await stage.layer()];
    const child = await stage.layer(parent);
    await client.prepare(active, parent);
    await client.view(view, child);
    for (const [key, kind, of] of [
      [active, Kind.ACTIVE, parent],
      [view, Kind.VIEW, child],
      [parent, Kind.COMMITTED, ''],
      [child, Kind.COMMITTED, parent],
    ] as const) {
      const info = await client.stat(key);
      assert.equal([info.name, info.kind, info.parent], [key, kind, of]);
    }
  });
}

function times(stage: Stage): void {
  stage.test('created_at and updated_at are equal and not earlier than the call when a snapshot is new', async () => {
    const { client } = stage;
    const parent = await stage.layer();
    let finerThanMilliseconds = 0;
    for (const make of [client.prepare.bind(client), client.view.bind(client)]) {
      for (const of of ['', parent, parent]) {
        const key = stage.key();
        const calledNs = nowNs();
        await make(key, of);
        const info = await client.stat(key);
        assert.ok(createdNs(info) >= calledNs - CLOCK_SLACK_NS, `${calledNs - createdNs(info)} ns too early`);
        assert.ok(createdNs(info) <= nowNs() + CLOCK_SLACK_NS);
        assert.is(updatedNs(info), createdNs(info));
        finerThanMilliseconds += createdNs(info) % 1_000_000n === 0n ? 0 : 1;
      }
    }
    assert.ok(finerThanMilliseconds > 0);
  });

  stage.test('Commit stamps both times anew when it makes the committed snapshot', async () => {
    const { client } = stage;
    const [key, name] = [stage.key(), stage.key()];
    await client.prepare(key);
    const active = await client.stat(key);
    const calledNs = nowNs();
    await client.commit(name, key);
    const committed = await client.stat(name);
    assert.ok(createdNs(committed) >= calledNs - CLOCK_SLACK_NS);
    assert.ok(createdNs(committed) > createdNs(active));
    assert.is(updatedNs(committed), createdNs(committed));
  });

  stage.test('Update moves updated_at and never created_at when it changes labels or nothing', async () => {
    const { client } = stage;
    const key = await stage.aView();
    let last = await client.stat(key);
    for (const paths of [[], ['labels'], ['labels.a'], ['labels.none']]) {
      const calledNs = nowNs();
      const answer = await client.update(
        { name: key, labels: { a: 'b' }, createdAt: GO_ZERO, updatedAt: GO_ZERO },
        paths,
      );
      assert.equal(await client.stat(key), answer);
      assert.is(createdNs(answer), createdNs(last));
      assert.ok(updatedNs(answer) >= calledNs - CLOCK_SLACK_NS);
      assert.ok(updatedNs(answer) > updatedNs(last));
      last = answer;
    }
  });
}

function updates(stage: Stage): void {
  const before = { a: '1', b: '2' };
  for (const [paths, given, after] of [
    [[], { c: '3' }, { c: '3' }],
    [[], {}, {}],
    [['labels'], { c: '3' }, { c: '3' }],
    [['labels.a'], { a: '9', c: '3' }, { a: '9', b: '2' }],
    [['labels.a', 'labels.x.y/z'], { 'x.y/z': '9' }, { b: '2', 'x.y/z': '9' }],
    [['labels.a'], { a: '' }, { b: '2' }],
    [['labels.a', 'labels.b'], {}, {}],
  ] as const) {
    stage.test(
      `Update does what the mask ${JSON.stringify(paths)} says when given ${JSON.stringify(given)}`,
      async () => {
        const { client } = stage;
        const key = await stage.aView(before);
        const answer = await client.update({ name: key, labels: given }, paths);
        assert.equal(answer.labels, after);
        assert.equal((await client.stat(key)).labels, after);
        assert.is(answer.kind, Kind.VIEW);
      },
    );
  }

  stage.test('Update changes a snapshot when it is active or committed, and gives its parent', async () => {
    const { client } = stage;
    const [key, parent] = [stage.key(), await stage.layer()];
    await client.prepare(key, parent);
    const active = await client.update({ name: key, labels: { a: 'b' } }, ['labels']);
    assert.equal([active.kind, active.parent, active.labels], [Kind.ACTIVE, parent, { a: 'b' }]);
    const committed = await client.update({ name: parent, kind: Kind.VIEW, parent: key, labels: { a: 'b' } });
    assert.equal([committed.kind, committed.parent, committed.labels], [Kind.COMMITTED, '', { a: 'b' }]);
  });

  stage.test('Mounts stay the same when all labels were replaced', async () => {
    const { client } = stage;
    const key = stage.key();
    const made = await client.prepare(key, '', { 'containerd.io/snapshot/devmapper/fstype': 'ext4' });
    await client.update({ name: key, labels: {} });
    assert.equal(await client.mounts(key), made);
  });
}

function labels(stage: Stage): void {
  stage.test('Prepare, View and Commit keep the labels given with them when the next call looks', async () => {
    const { client } = stage;
    const [key, view, name] = [stage.key(), stage.key(), stage.key()];
    const given = { 'containerd.io/gc.root': '2024-01-01T00:00:00Z', 'x y': 'ü "\n', plain: '=,' };
    await client.prepare(key, '', given);
    await client.view(view, '', given);
    assert.equal((await client.stat(key)).labels, given);
    assert.equal((await client.stat(view)).labels, given);
    await client.commit(name, key, { other: 'one' });
    assert.equal((await client.stat(name)).labels, { other: 'one' });
  });

  stage.test('Commit replaces the labels, never inherits them, when none are given', async () => {
    const { client } = stage;
    const [key, name] = [stage.key(), stage.key()];
    await client.prepare(key, '', { from: 'prepare' });
    await client.commit(name, key);
    assert.equal((await client.stat(name)).labels, {});
  });

  stage.test('labels without a value are dropped when a snapshot is made or committed with them', async () => {
    const { client } = stage;
    const [key, name] = [stage.key(), stage.key()];
    await client.prepare(key, '', { full: 'x', empty: '' });
    assert.equal((await client.stat(key)).labels, { full: 'x' });
    await client.commit(name, key, { full: 'y', empty: '' });
    assert.equal((await client.stat(name)).labels, { full: 'y' });
  });

  stage.test('labels are taken as they are when their keys are what objects own', async () => {
    const { client } = stage;
    const odd = Object.fromEntries(['__proto__', 'constructor', 'toString', 'hasOwnProperty'].map((key) => [key, 'v']));
    const key = await stage.aView(odd);
    assert.equal(Object.entries((await client.stat(key)).labels).sort(), Object.entries(odd).sort());
    await client.update({ name: key }, ['labels.__proto__']);
    assert.is(Object.keys((await client.stat(key)).labels).length, 3);
    assert.is((await client.list(`name==${key},labels.constructor==v`)).length, 1);
  });
}
