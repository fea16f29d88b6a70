// Many clients at once: who wins is open, that exactly one wins is not.

import * as assert from 'uvu/assert';
import { codeOf } from '../../support/grpc-client.ts';
import type { SnapshotsClient } from '../../support/snapshots-client.ts';
import type { Stage } from '../stage.ts';

const CLIENTS = 32;

export function concurrency(stage: Stage): void {
  oneKey(stage);
  manyKeys(stage);
  races(stage);
}

function oneKey(stage: Stage): void {
  stage.test(`exactly one Prepare wins when ${CLIENTS} clients want one key`, async () => {
    const parent = await stage.layer();
    for (const of of ['', parent]) {
      const key = stage.key();
      const ends = await fromEach(stage, (client) => client.prepare(key, of));
      assert.equal(ends, oneOk('ALREADY_EXISTS'));
      assert.is((await stage.client.mounts(key)).length, 1);
    }
  });

  stage.test(`exactly one View wins when ${CLIENTS} clients want one key`, async () => {
    const [key, parent] = [stage.key(), await stage.layer()];
    assert.equal(await fromEach(stage, (client) => client.view(key, parent)), oneOk('ALREADY_EXISTS'));
  });

  stage.test(`exactly one Remove wins when ${CLIENTS} clients drop one key`, async () => {
    const [key, parent] = [stage.key(), await stage.layer()];
    await stage.client.prepare(key, parent);
    assert.equal(await fromEach(stage, (client) => client.remove(key)), oneOk('NOT_FOUND'));
    assert.equal(await fromEach(stage, (client) => client.remove(parent)), oneOk('NOT_FOUND'));
  });

  stage.test(`exactly one Commit wins when ${CLIENTS} clients commit one key`, async () => {
    const [key, names] = [stage.key(), Array.from({ length: CLIENTS }, () => stage.key())];
    await stage.client.prepare(key);
    assert.equal(await fromEach(stage, (client, index) => client.commit(at(names, index), key)), oneOk('NOT_FOUND'));
    const committed = (await stage.client.list()).filter(({ name }) => names.includes(name));
    assert.is(committed.length, 1);
  });

  stage.test(
    `exactly one Commit wins when ${CLIENTS} keys want one name, and the others can be committed`,
    async () => {
      const [name, parent] = [stage.key(), await stage.layer()];
      const keys = Array.from({ length: CLIENTS }, () => stage.key());
      await Promise.all(keys.map((key) => stage.client.prepare(key, parent)));
      const ends = await fromEach(stage, (client, index) => client.commit(name, at(keys, index)));
      assert.equal(ends, oneOk('ALREADY_EXISTS'));
      const rest = (await stage.client.list(`parent==${parent},kind==active`)).map((info) => info.name);
      assert.is(rest.length, CLIENTS - 1);
      await Promise.all(rest.map((key) => stage.client.commit(stage.key(), key)));
    },
  );
}

function manyKeys(stage: Stage): void {
  stage.test('each gets a device of its own when 200 Prepares on 20 parents come at once', async () => {
    const { client } = stage;
    const parents = await Promise.all(Array.from({ length: 20 }, () => stage.layer()));
    const wanted = parents.flatMap((parent) => Array.from({ length: 10 }, () => ({ key: stage.key(), parent })));
    const made = await Promise.all(wanted.map(({ key, parent }) => client.prepare(key, parent)));
    const sources = made.flatMap((mounts) => mounts.map(({ source }) => source));
    assert.is(new Set(sources).size, 200);
    for (const { key, parent } of wanted) assert.is((await client.stat(key)).parent, parent);
    await Promise.all(wanted.map(({ key }) => client.remove(key)));
    await Promise.all(parents.map((parent) => client.remove(parent)));
  });

  stage.test(`Prepare, Mounts, Commit and Remove all go well when ${CLIENTS} clients run whole cycles`, async () => {
    const parent = await stage.layer();
    const cycle = async (client: SnapshotsClient) => {
      for (let turn = 0; turn < 5; turn += 1) {
        const [key, name] = [stage.key(), stage.key()];
        const made = await client.prepare(key, parent);
        assert.equal(await client.mounts(key), made);
        await client.commit(name, key);
        await client.remove(name);
      }
    };
    assert.equal(
      await fromEach(stage, cycle),
      Array.from({ length: CLIENTS }, () => 'OK'),
    );
    await stage.client.remove(parent);
  });
}

function races(stage: Stage): void {
  stage.test('a parent goes or gets children, never both, when Remove meets Prepares', async () => {
    for (let turn = 0; turn < 8; turn += 1) {
      const parent = await stage.layer();
      const keys = Array.from({ length: 4 }, () => stage.key());
      const prepared = Promise.all(keys.map((key) => codeOf(stage.client.prepare(key, parent))));
      const [ends, removed] = await Promise.all([prepared, codeOf(stage.client.remove(parent))]);
      const children = ends.filter((end) => end === 'OK').length;
      assert.match(ends.join(), /^((OK|NOT_FOUND),?)+$/);
      assert.match(removed, /^(OK|FAILED_PRECONDITION)$/);
      assert.is((await stage.client.list(`parent==${parent}`)).length, children);
      assert.is(await codeOf(stage.client.stat(parent)), removed === 'OK' ? 'NOT_FOUND' : 'OK');
      assert.not(removed === 'OK' && children > 0);
    }
  });

  stage.test('a key ends as it should when Remove and Commit of it meet', async () => {
    for (let turn = 0; turn < 8; turn += 1) {
      const [key, name] = [stage.key(), stage.key()];
      await stage.client.prepare(key);
      const ends = await Promise.all([codeOf(stage.client.commit(name, key)), codeOf(stage.client.remove(key))]);
      assert.equal(ends.toSorted(), ['NOT_FOUND', 'OK']);
      assert.is(await codeOf(stage.client.stat(name)), ends[0]);
      assert.is(await codeOf(stage.client.stat(key)), 'NOT_FOUND');
    }
  });
}

/** Runs `action` from a connection for each client, at once; the statuses, sorted. */
async function fromEach(
  stage: Stage,
  action: (client: SnapshotsClient, index: number) => Promise<unknown>,
): Promise<readonly string[]> {
  const clients = Array.from({ length: CLIENTS }, () => stage.daemon.connect());
  try {
    // Connected first, so that the calls themselves overlap.
    await Promise.all(clients.map((client) => codeOf(client.stat('nobody'))));
    const ends = await Promise.all(clients.map((client, index) => codeOf(action(client, index))));
    return ends.sort();
  } finally {
    for (const client of clients) client.close();
  }
}

function oneOk(rest: string): readonly string[] {
  return [...Array.from({ length: CLIENTS - 1 }, () => rest), 'OK'].sort();
}

function at(keys: readonly string[], index: number): string {
  const key = keys[index];
  if (key === undefined) throw new RangeError(`There is no key ${index}`);
  return key;
}
