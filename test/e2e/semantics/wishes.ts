// What labels ask of a new snapshot: a layer that is there already, the owners of a user namespace, another size. The
// labels are those that containerd itself sends, from 1.7 to 2.4 (core/snapshots/snapshotter.go); what it sends of others
// is in no way special.

import { statfs } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { Mount } from '../../../src/main/rpc/gen/containerd/types/mount_pb.ts';
import { codeOf } from '../../support/grpc-client.ts';
import type { LabelMap } from '../../support/snapshots-client.ts';
import type { Stage } from '../stage.ts';
import { FS_TYPE_LABEL } from './contents.ts';

const REF_LABEL = 'containerd.io/snapshot.ref';
const UID_LABEL = 'containerd.io/snapshot/uidmapping';
const GID_LABEL = 'containerd.io/snapshot/gidmapping';
const MAX_SIZE_LABEL = 'containerd.io/snapshot/max-size';
/** More than any base of these suites has. */
const LARGER_BYTES = 2 ** 30;
/** What a file system keeps for itself, at most, in eighths of the device. */
const OWN_EIGHTHS = 1;

export function wishes(stage: Stage): void {
  references(stage);
  idMaps(stage);
  sizes(stage);
}

function references(stage: Stage): void {
  for (const named of ['a parent', 'no parent']) {
    stage.test(`a layer is answered and found again when snapshot.ref names it and it has ${named}`, async () => {
      const { client } = stage;
      // What containerd's metadata layer makes of a namespace, a number and a name; Go quotes it in its filter.
      const parent = named === 'a parent' ? await layerNamed(stage, `default/7/${stage.key()} "q"\\`) : '';
      const ref = `sha256:${stage.key()}`;
      const name = await layerNamed(stage, `default/8/${ref}`, { parent, labels: { [REF_LABEL]: ref } });
      const labels = { [REF_LABEL]: ref };
      const key = `second/9/extract-123-abc ${ref}`;
      assert.is(await codeOf(client.prepare(key, parent, labels)), 'ALREADY_EXISTS');
      assert.is(await codeOf(client.stat(key)), 'NOT_FOUND');
      const filter = `labels.${JSON.stringify(REF_LABEL)}==${ref},parent==${JSON.stringify(parent)}`;
      const found = await client.list(filter);
      assert.equal(
        found.map((info) => info.name),
        [name],
      );
    });
  }

  stage.test(
    'a new snapshot is made when snapshot.ref names a layer that is on another parent or not committed',
    async () => {
      const { client } = stage;
      const ref = `sha256:${stage.key()}`;
      const labels = { [REF_LABEL]: ref };
      await client.prepare(stage.key(), '', labels);
      await layerNamed(stage, stage.key(), { parent: await stage.layer(), labels });
      const key = stage.key();
      await client.prepare(key, '', labels);
      assert.equal((await client.stat(key)).labels, labels);
    },
  );
}

function idMaps(stage: Stage): void {
  // 1.7 sends one range, 2.1 and later as many as there are.
  for (const [uids, gids] of [
    ['0:100000:65536', '0:200000:65536'],
    ['0:100000:1000,1000:300000:64536', '0:100000:65536'],
  ] as const) {
    stage.test(`the mounts map owners when labels ask for ${uids}`, async () => {
      const { client } = stage;
      const labels = { [UID_LABEL]: uids, [GID_LABEL]: gids };
      const [active, view, parent] = [stage.key(), stage.key(), await stage.layer()];
      const plain = optionsOf(await client.prepare(stage.key(), parent));
      const mapped = optionsOf(await client.prepare(active, parent, labels));
      assert.equal(mapped, [...plain, `uidmap=${uids}`, `gidmap=${gids}`]);
      assert.equal(optionsOf(await client.mounts(active)), mapped);
      assert.ok(optionsOf(await client.view(view, parent, labels)).includes(`gidmap=${gids}`));
      assert.ok(optionsOf(await client.mounts(view)).includes('ro'));
    });
  }

  stage.test(
    'no owner is mapped any more when a mapped snapshot is committed and a child is made without labels',
    async () => {
      const { client } = stage;
      const [key, name] = [stage.key(), stage.key()];
      await client.prepare(key, '', { [UID_LABEL]: '0:1:2', [GID_LABEL]: '0:1:2' });
      await client.commit(name, key);
      assert.is(
        optionsOf(await client.prepare(stage.key(), name))
          .join()
          .includes('idmap='),
        false,
      );
    },
  );

  for (const labels of [
    { [UID_LABEL]: '0:100000:65536' },
    { [GID_LABEL]: '0:100000:65536' },
    { [UID_LABEL]: '0:1', [GID_LABEL]: '0:1' },
    { [UID_LABEL]: '0:1:1,', [GID_LABEL]: '0:1:1' },
    { [UID_LABEL]: '0:1:1,ro', [GID_LABEL]: '0:1:1' },
    { [UID_LABEL]: '-1:1:1', [GID_LABEL]: '0:1:1' },
  ]) {
    stage.test(`INVALID_ARGUMENT is the answer when id mapping labels are ${JSON.stringify(labels)}`, async () => {
      const key = stage.key();
      assert.is(await codeOf(stage.client.prepare(key, '', labels)), 'INVALID_ARGUMENT');
      assert.is(await codeOf(stage.client.stat(key)), 'NOT_FOUND');
    });
  }
}

function sizes(stage: Stage): void {
  stage.test('a child holds as much as max-size says, and so do its own children, when that is more', async () => {
    const { client } = stage;
    const [key, name] = [stage.key(), stage.key()];
    const parent = await stage.layer();
    assert.ok((await bytesOf(stage, await client.view(stage.key(), parent))) < LARGER_BYTES / 2);
    const mounts = await client.prepare(key, parent, { [MAX_SIZE_LABEL]: String(LARGER_BYTES) });
    const least = (LARGER_BYTES * (8 - OWN_EIGHTHS)) / 8;
    assertBetween(await bytesOf(stage, mounts), least, LARGER_BYTES);
    await client.commit(name, key);
    assertBetween(await bytesOf(stage, await client.prepare(stage.key(), name)), least, LARGER_BYTES);
  });

  stage.test('a child has its parent’s size when max-size is less, as containerd takes it for a hint', async () => {
    const { client } = stage;
    const parent = await stage.layer();
    const plain = await bytesOf(stage, await client.prepare(stage.key(), parent));
    const mounts = await client.prepare(stage.key(), parent, { [MAX_SIZE_LABEL]: '1048576' });
    assert.is(await bytesOf(stage, mounts), plain);
    const least = await client.prepare(stage.key(), '', { [MAX_SIZE_LABEL]: '1048576' });
    assert.ok((await bytesOf(stage, least)) > 1048576);
  });

  stage.test('a size that no file system here has is refused or answered, and breaks nothing', async () => {
    const { client } = stage;
    const parent = await stage.layer();
    const end = await codeOf(client.prepare(stage.key(), parent, { [MAX_SIZE_LABEL]: String(2 ** 52) }));
    assert.match(end, /^(INVALID_ARGUMENT|RESOURCE_EXHAUSTED|INTERNAL)$/);
    await client.prepare(stage.key(), parent);
  });

  for (const value of ['0', '-1', '100MB', '1e9', '0x10', '9223372036854775808']) {
    stage.test(`INVALID_ARGUMENT is the answer when max-size is ${value}`, async () => {
      const call = stage.client.prepare(stage.key(), '', { [MAX_SIZE_LABEL]: value });
      assert.is(await codeOf(call), 'INVALID_ARGUMENT');
    });
  }

  stage.test('nothing is asked for when the labels that could are without a value', async () => {
    const { client } = stage;
    const key = stage.key();
    const plain = optionsOf(await client.prepare(stage.key()));
    const labels = { [MAX_SIZE_LABEL]: '', [UID_LABEL]: '', [GID_LABEL]: '', [FS_TYPE_LABEL]: '', [REF_LABEL]: '' };
    assert.equal(optionsOf(await client.prepare(key, '', labels)), plain);
    assert.equal((await client.stat(key)).labels, {});
  });
}

/** A committed snapshot of that name; the labels are its own, not those of the active one that it was. */
async function layerNamed(
  stage: Stage,
  name: string,
  { parent = '', labels = {} }: { parent?: string; labels?: LabelMap } = {},
): Promise<string> {
  const key = stage.key();
  await stage.client.prepare(key, parent);
  await stage.client.commit(name, key, labels);
  return name;
}

function optionsOf(mounts: readonly Mount[]): readonly string[] {
  return mounts.flatMap((mount) => mount.options);
}

async function bytesOf(stage: Stage, mounts: readonly Mount[]): Promise<number> {
  return stage.mounted(mounts, async (dir) => {
    const { blocks, bsize } = await statfs(dir);
    return blocks * bsize;
  });
}

function assertBetween(value: number, low: number, high: number): void {
  assert.ok(value >= low && value <= high, `${value} is not in ${low}..${high}`);
}
