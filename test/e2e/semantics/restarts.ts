// What is still true after the daemon ended, as it should or by kill -9: everything that was acknowledged, and nothing
// by halves.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import type { Mount } from '../../../src/main/rpc/gen/containerd/types/mount_pb.ts';
import { codeOf } from '../../support/grpc-client.ts';
import { syncFileSystem } from '../../support/mounting.ts';
import type { Stage } from '../stage.ts';

/** When to kill, after calls were sent: from before the first is read to after the last is answered. */
const KILL_AFTER_MS = [0, 2, 5, 10, 20, 40, 80, 160];

export function restarts(stage: Stage): void {
  for (const [how, restart] of [
    ['stopped', (): Promise<void> => stage.daemon.restart()],
    ['killed', (): Promise<void> => killAndStart(stage)],
  ] as const) {
    stage.test(`everything is as it was when the daemon was ${how} and started again`, () => unchanged(stage, restart));

    stage.test(`what is mounted stays mounted and whole when the daemon was ${how} and started again`, () =>
      whileMounted(stage, restart),
    );
  }

  stage.test('what was acknowledged just before is there when the daemon was killed', async () => {
    const parent = await stage.layer();
    const [active, view, key, name, gone] = [stage.key(), stage.key(), stage.key(), stage.key(), stage.key()];
    await stage.client.prepare(key, parent);
    await stage.client.prepare(gone, parent);
    await Promise.all([
      stage.client.prepare(active, parent, { a: '1' }),
      stage.client.view(view, parent),
      stage.client.commit(name, key, { b: '2' }),
      stage.client.remove(gone),
      stage.client.update({ name: parent, labels: { c: '3' } }),
    ]);
    await killAndStart(stage);
    const { client } = stage;
    assert.equal((await client.stat(active)).labels, { a: '1' });
    assert.is((await client.stat(view)).parent, parent);
    assert.equal((await client.stat(name)).labels, { b: '2' });
    assert.equal((await client.stat(parent)).labels, { c: '3' });
    assert.is(await codeOf(client.stat(key)), 'NOT_FOUND');
    assert.is(await codeOf(client.stat(gone)), 'NOT_FOUND');
    for (const ready of [active, view]) await stage.mounted(await client.mounts(ready), async () => undefined);
  });

  for (const delayMs of KILL_AFTER_MS) {
    stage.test(`each call was done or never was when the daemon was killed ${delayMs} ms after it was sent`, () =>
      killedAmid(stage, delayMs),
    );
  }
}

async function killAndStart({ daemon }: Stage): Promise<void> {
  await daemon.kill();
  await daemon.start();
}

async function unchanged(stage: Stage, restart: () => Promise<void>): Promise<void> {
  const parent = await stage.layer('', (dir) => writeFile(join(dir, 'file'), 'text'));
  const [active, view, empty, odd] = [stage.key(), stage.key(), stage.key(), `\n\0ü/../${stage.key()}`];
  const made: (readonly [key: string, mounts: readonly Mount[]])[] = [
    [active, await stage.client.prepare(active, parent, { a: 'b', 'x.y/z': 'ü' })],
    [view, await stage.client.view(view, parent)],
    [empty, await stage.client.view(empty)],
    [odd, await stage.client.prepare(odd)],
  ];
  await stage.client.update({ name: parent, labels: { updated: 'yes' } });
  const infos = await stage.client.list();
  const size = await stage.client.usage(parent);
  await restart();
  const { client } = stage;
  assert.equal(byName(await client.list()), byName(infos));
  assert.equal(await client.usage(parent), size);
  for (const [key, mounts] of made) {
    assert.equal(await client.mounts(key), mounts);
    await stage.mounted(mounts, async () => undefined);
  }
  await stage.mounted(await client.mounts(active), async (dir) => {
    assert.is(await readFile(join(dir, 'file'), 'utf8'), 'text');
  });
  await client.remove(active);
  assert.is(await codeOf(client.prepare(view, parent)), 'ALREADY_EXISTS');
}

async function whileMounted(stage: Stage, restart: () => Promise<void>): Promise<void> {
  const [key, name, parent] = [stage.key(), stage.key(), await stage.layer()];
  const mounts = await stage.client.prepare(key, parent);
  await stage.mounted(mounts, async (dir) => {
    await writeFile(join(dir, 'before'), 'before');
    await restart();
    await writeFile(join(dir, 'after'), 'after');
    await syncFileSystem(dir);
    assert.equal(await stage.client.mounts(key), mounts);
    await stage.client.commit(name, key);
  });
  await stage.mounted(await stage.client.view(stage.key(), name), async (dir) => {
    assert.is(await readFile(join(dir, 'before'), 'utf8'), 'before');
    assert.is(await readFile(join(dir, 'after'), 'utf8'), 'after');
  });
}

/** Sends calls of every kind at once and kills the daemon amid them; each is then one of its two states, and usable. */
async function killedAmid(stage: Stage, delayMs: number): Promise<void> {
  const parent = await stage.layer('', (dir) => writeFile(join(dir, 'file'), 'text'));
  const keysOf = (): readonly string[] => Array.from({ length: 6 }, () => stage.key());
  const [fresh, children, views, committing, names, removing] = [
    keysOf(),
    keysOf(),
    keysOf(),
    keysOf(),
    keysOf(),
    keysOf(),
  ];
  for (const key of [...committing, ...removing]) await stage.client.prepare(key, parent);
  const other = stage.daemon.connect();
  const sent = {
    fresh: fresh.map((key) => codeOf(other.prepare(key))),
    children: children.map((key) => codeOf(other.prepare(key, parent))),
    views: views.map((key) => codeOf(other.view(key, parent))),
    commits: committing.map((key, index) => codeOf(other.commit(names.at(index) ?? '', key))),
    removes: removing.map((key) => codeOf(other.remove(key))),
  };
  await sleep(delayMs);
  await stage.daemon.kill();
  other.close();
  await stage.daemon.start();
  const { client } = stage;

  const made = [...fresh, ...children, ...views];
  for (const [index, end] of (await Promise.all([...sent.fresh, ...sent.children, ...sent.views])).entries()) {
    const key = made.at(index) ?? '';
    const found = await codeOf(client.mounts(key));
    assert.match(`${end} ${found}`, /^OK OK$|^(?!OK )\w+ (OK|NOT_FOUND)$/);
    // A retry of what was never acknowledged converges.
    assert.is(await codeOf(client.prepare(key, parent)), found === 'OK' ? 'ALREADY_EXISTS' : 'OK');
    await stage.mounted(await client.mounts(key), async () => undefined);
  }
  for (const [index, end] of (await Promise.all(sent.commits)).entries()) {
    const [key, name] = [committing.at(index) ?? '', names.at(index) ?? ''];
    const found = `${await codeOf(client.stat(key))} ${await codeOf(client.stat(name))}`;
    assert.match(`${end}: ${found}`, /^OK: NOT_FOUND OK$|^(?!OK:)\w+: (NOT_FOUND OK|OK NOT_FOUND)$/);
    await codeOf(client.commit(name, key));
    await stage.mounted(await client.view(stage.key(), name), async (dir) => {
      assert.is(await readFile(join(dir, 'file'), 'utf8'), 'text');
    });
  }
  for (const [index, end] of (await Promise.all(sent.removes)).entries()) {
    const found = await codeOf(client.remove(removing.at(index) ?? ''));
    assert.match(`${end} ${found}`, /^OK NOT_FOUND$|^(?!OK )\w+ (OK|NOT_FOUND)$/);
  }
}

function byName<T extends { readonly name: string }>(infos: readonly T[]): readonly T[] {
  return infos.toSorted((one, other) => (one.name < other.name ? -1 : 1));
}
