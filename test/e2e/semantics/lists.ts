// List: containerd's filters through the wire, messages cut by size, and readers that stop reading.

import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { Snapshots } from '../../../src/main/rpc/gen/containerd/services/snapshots/v1/snapshots_pb.ts';
import { codeOf, failureOf } from '../../support/grpc-client.ts';
import type { LabelMap } from '../../support/snapshots-client.ts';
import { withTimeout } from '../../support/with-timeout.ts';
import type { Stage } from '../stage.ts';

/** What containerd's client takes in one message. */
const MESSAGE_BYTES_MAX = 16 * 1024 * 1024;
/** More labels than one snapshot ever has. */
const MANY_LABELS = 5001;
/** What a call may take while a List stands still: nothing that waits for the reader ends in this time. */
const UNDISTURBED_LIMIT_MS = 60_000;

export function lists(stage: Stage): void {
  filters(stage);
  sizes(stage);
  stalled(stage);
}

function filters(stage: Stage): void {
  stage.test('List finds snapshots by name, parent, kind and labels when filters say so', async () => {
    const { client } = stage;
    const mark = stage.key();
    const [active, view, parent] = [stage.key(), stage.key(), await stage.layer()];
    await client.prepare(active, parent, { [`a.b/${mark}`]: 'one, two', kind: 'x' });
    await client.view(view, parent, { [`a.b/${mark}`]: 'three' });
    const label = `labels."a.b/${mark}"`;
    for (const [given, found] of [
      [[`name==${active}`], [active]],
      [[`parent==${parent}`], [active, view]],
      [[`parent==${parent},kind==view`], [view]],
      [[`parent==${parent},kind!=view`], [active]],
      [[`parent==${parent},kind~=^(view|active)$`], [active, view]],
      [[label], [active, view]],
      [[`${label}=="one, two"`], [active]],
      [[`${label}~=/^o.*o$/`], [active]],
      [[`labels.a.b/${mark}`.replace('/', '."/').concat('"')], []],
      [[`${label},kind==committed`], []],
      [
        [`${label}==three`, `name==${parent}`],
        [view, parent],
      ],
      [[`name==${active}`, `name==${active}`], [active]],
    ] as const) {
      const names = (await client.list(...given)).map(({ name }) => name);
      assert.equal(names.sort(), [...found].sort(), given.join(' or '));
    }
  });

  stage.test('List gives all when there is no filter or an empty one', async () => {
    const { client } = stage;
    const key = await stage.aView();
    const all = await client.list();
    assert.ok(all.some(({ name }) => name === key));
    assert.is((await client.list('')).length, all.length);
    assert.is((await client.list('name==nobody', '')).length, all.length);
  });

  stage.test('List gives for each snapshot what Stat gives when both are asked', async () => {
    const { client } = stage;
    await client.prepare(stage.key(), await stage.layer(), { a: 'b' });
    for (const info of await client.list()) assert.equal(await client.stat(info.name), info);
  });

  for (const filter of [
    'name==',
    'name=x',
    'labels.a/b',
    'name~=(',
    'name~=/(?=x)/',
    'name ',
    ',',
    'name==a b',
    'x"',
  ]) {
    stage.test(`List answers INVALID_ARGUMENT when the filter is ${JSON.stringify(filter)}`, async () => {
      assert.is(await codeOf(stage.client.list(filter)), 'INVALID_ARGUMENT');
      assert.is(await codeOf(stage.client.list('name', filter)), 'INVALID_ARGUMENT');
    });
  }

  stage.test('List says where a filter is wrong when it is long and odd', async () => {
    const failure = await failureOf(stage.client.list(`name=="${'ü\\n'.repeat(20_000)}" \u0001`));
    assert.is(failure.name, 'INVALID_ARGUMENT');
    assert.match(failure.details, /unexpected input/);
  });
}

function sizes(stage: Stage): void {
  stage.test('one snapshot takes 5,001 labels and gives them back when asked', async () => {
    const { client } = stage;
    const labels = manyLabels(20);
    const key = await stage.aView(labels);
    assert.equal((await client.stat(key)).labels, labels);
    assert.equal(
      (await client.list(`name==${key}`)).map((info) => info.labels),
      [labels],
    );
    await client.remove(key);
  });

  stage.test('List cuts its answer into messages that a client takes when labels are large', async () => {
    const { client } = stage;
    const keys: string[] = [];
    for (let count = 0; count < 12; count += 1) keys.push(await stage.aView(manyLabels(600)));
    const messages = await client.grpc.collect(Snapshots.method.list, {});
    const found = messages.flatMap(({ message }) => message.info);
    assert.ok(messages.every(({ bytes }) => bytes < MESSAGE_BYTES_MAX));
    assert.ok(messages.reduce((sum, { bytes }) => sum + bytes, 0) > 2 * MESSAGE_BYTES_MAX);
    for (const key of keys) {
      assert.is(found.filter(({ name }) => name === key).length, 1);
      await client.remove(key);
    }
  });

  stage.test('List gives each snapshot once when there are hundreds', async () => {
    const { client } = stage;
    const keys = await Promise.all(Array.from({ length: 300 }, () => stage.aView({ group: 'hundreds' })));
    const found = (await client.list('labels.group==hundreds')).map(({ name }) => name);
    assert.equal(found.sort(), keys.sort());
    await Promise.all(keys.map((key) => client.remove(key)));
  });
}

function stalled(stage: Stage): void {
  stage.test('every other call goes on when clients stop reading their List', async () => {
    const { client } = stage;
    const large = [await stage.aView(manyLabels(800)), await stage.aView(manyLabels(800))];
    const parent = await stage.layer();
    const other = stage.daemon.connect();
    const streams = Array.from({ length: 8 }, () => other.grpc.stream(Snapshots.method.list, {}));
    // Cancelled at the end, which each stream reports as an error.
    for (const stream of streams) stream.pause().on('error', () => undefined);
    try {
      await Promise.all(streams.map((stream) => new Promise((resolve) => stream.once('metadata', resolve))));
      await withTimeout(everyCall(stage, parent), UNDISTURBED_LIMIT_MS, 'Calls beside a List that nobody reads');
      for (const key of large) await client.remove(key);
    } finally {
      for (const stream of streams) stream.cancel();
      other.close();
    }
  });

  stage.test('Stat answers inside a List when the client asks between two messages', async () => {
    const { client } = stage;
    const keys = [await stage.aView(manyLabels(500)), await stage.aView(manyLabels(500)), await stage.aView()];
    let messages = 0;
    for await (const message of client.grpc.stream(Snapshots.method.list, {})) {
      assert.instance(message, Buffer);
      messages += 1;
      for (const key of keys) assert.is((await client.stat(key)).name, key);
      // Lets the rest of the answer pile up behind the reader.
      await sleep(20);
    }
    assert.ok(messages > 0);
    for (const key of keys) await client.remove(key);
  });
}

async function everyCall(stage: Stage, parent: string): Promise<void> {
  const { client } = stage;
  const [active, view, name] = [stage.key(), stage.key(), stage.key()];
  await client.prepare(active, parent);
  await client.view(view, parent);
  await client.stat(active);
  await client.mounts(view);
  await client.usage(active);
  await client.update({ name: active, labels: { a: 'b' } });
  await client.list(`name==${active}`);
  await client.commit(name, active);
  await client.remove(view);
  await client.remove(name);
  await client.cleanup();
}

function manyLabels(valueBytes: number): LabelMap {
  const value = 'v'.repeat(valueBytes);
  return Object.fromEntries(Array.from({ length: MANY_LABELS }, (_, index) => [`label-${index}`, value]));
}
