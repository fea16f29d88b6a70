// What is on the mounted file systems: empty roots, layers over layers, views that cannot be written, and snapshots that
// were committed while somebody had them open.

import { chmod, chown, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Mount } from '../../../src/main/rpc/gen/containerd/types/mount_pb.ts';
import { syncFileSystem } from '../../support/mounting.ts';
import type { LabelMap } from '../../support/snapshots-client.ts';
import type { Stage } from '../stage.ts';

export const FS_TYPE_LABEL = 'containerd.io/snapshot/devmapper/fstype';
/** As many layers as an image may have (containerd and Docker stop at 127 or 128). */
const CHAIN_LAYERS = 128;

export function contents(stage: Stage): void {
  empty(stage);
  layers(stage);
  chain(stage);
  fileSystems(stage);
}

function empty(stage: Stage): void {
  for (const fsType of ['ext4', 'xfs', 'ext2']) {
    stage.test(
      `a new snapshot is empty, root's and 0755, without lost+found, when its file system is ${fsType}`,
      async () => {
        const { client } = stage;
        const key = stage.key();
        const active = await client.prepare(key, '', { [FS_TYPE_LABEL]: fsType });
        assert.is(active.at(0)?.type, fsType);
        await stage.mounted(active, async (dir) => {
          assert.equal(await rootOf(dir), { files: [], mode: 0o755, owner: '0:0' });
          await writeFile(join(dir, 'file'), 'text');
        });
        const viewed = await client.view(stage.key(), '', { [FS_TYPE_LABEL]: fsType });
        await stage.mounted(viewed, async (dir) => {
          assert.equal(await rootOf(dir), { files: [], mode: 0o755, owner: '0:0' });
          await refusesWrites(dir);
        });
      },
    );
  }

  stage.test('two new snapshots share nothing when one of them is written to', async () => {
    const { client } = stage;
    const [one, two] = [await client.prepare(stage.key()), await client.prepare(stage.key())];
    await stage.mounted(one, (first) =>
      stage.mounted(two, async (second) => {
        await writeFile(join(first, 'one'), '1');
        assert.equal(await readdir(second), []);
      }),
    );
  });
}

function layers(stage: Stage): void {
  stage.test('a child has what its parent had and keeps its own changes when files change, move and go', async () => {
    const { client } = stage;
    const parent = await stage.layer('', async (dir) => {
      await mkdir(join(dir, 'a', 'b'), { recursive: true });
      await writeFile(join(dir, 'foo'), 'foo\n');
      await writeFile(join(dir, 'a', 'b', 'deep'), 'deep\n');
      await symlink('../foo', join(dir, 'a', 'link'));
      await chown(join(dir, 'foo'), 1234, 5678);
    });
    const child = await stage.layer(parent, async (dir) => {
      assert.is(await readFile(join(dir, 'a', 'link'), 'utf8'), 'foo\n');
      await writeFile(join(dir, 'foo'), 'bar\n');
      await rename(join(dir, 'a', 'b'), join(dir, 'c'));
      await rm(join(dir, 'a'), { recursive: true });
      await chmod(dir, 0o700);
    });
    await stage.mounted(await client.view(stage.key(), child), async (dir) => {
      assert.equal(await rootOf(dir), { files: ['c', 'foo'], mode: 0o700, owner: '0:0' });
      assert.is(await readFile(join(dir, 'foo'), 'utf8'), 'bar\n');
      assert.is(await readFile(join(dir, 'c', 'deep'), 'utf8'), 'deep\n');
      const { uid, gid } = await stat(join(dir, 'foo'));
      assert.equal([uid, gid], [1234, 5678]);
    });
    await stage.mounted(await client.view(stage.key(), parent), async (dir) => {
      assert.equal((await rootOf(dir)).files, ['a', 'foo']);
      assert.is(await readFile(join(dir, 'foo'), 'utf8'), 'foo\n');
    });
  });

  stage.test('children of one parent share nothing but what it had when all are mounted at once', async () => {
    const { client } = stage;
    const parent = await stage.layer('', (dir) => writeFile(join(dir, 'common'), 'common'));
    const mounts = await Promise.all([0, 1, 2, 3].map(() => client.prepare(stage.key(), parent)));
    await mountedAll(stage, mounts, async (dirs) => {
      await Promise.all(dirs.map((dir, index) => writeFile(join(dir, `own-${index}`), String(index))));
      for (const [index, dir] of dirs.entries()) assert.equal((await rootOf(dir)).files, ['common', `own-${index}`]);
    });
  });
}

function chain(stage: Stage): void {
  stage.test(`every layer is there when a chain of ${CHAIN_LAYERS} is mounted`, async () => {
    const { client } = stage;
    const names: string[] = [];
    for (let layer = 0; layer < CHAIN_LAYERS; layer += 1) {
      names.push(await stage.layer(names.at(-1) ?? '', (dir) => writeFile(join(dir, `layer-${layer}`), String(layer))));
    }
    const view = stage.key();
    await stage.mounted(await client.view(view, names.at(-1)), async (dir) => {
      assert.is((await readdir(dir)).length, CHAIN_LAYERS);
      for (const layer of names.keys()) assert.is(await readFile(join(dir, `layer-${layer}`), 'utf8'), String(layer));
    });
    await client.remove(view);
    for (const name of names.reverse()) await client.remove(name);
    await client.cleanup();
  });
}

function fileSystems(stage: Stage): void {
  for (const fsType of ['ext4', 'xfs']) {
    const labels = { [FS_TYPE_LABEL]: fsType };
    stage.test(`a child has the file system of its parent when that is ${fsType}, and no label says so`, async () => {
      const parent = await committed(stage, labels);
      const [active] = await stage.client.prepare(stage.key(), parent);
      const [view] = await stage.client.view(stage.key(), parent);
      assert.equal([active?.type, view?.type], [fsType, fsType]);
      assert.ok(view?.options.includes('ro'));
      assert.not(active?.options.includes('ro'));
      assert.is(active?.options.includes('nouuid'), fsType === 'xfs');
      assert.is(view?.options.includes('nouuid'), fsType === 'xfs');
    });

    stage.test(`data is there and views are read-only when a mounted ${fsType} snapshot is committed`, async () => {
      const { client } = stage;
      const [key, name, child] = [stage.key(), stage.key(), stage.key()];
      await stage.mounted(await client.prepare(key, '', labels), async (dir) => {
        await writeFile(join(dir, 'before'), 'x'.repeat(100_000));
        await syncFileSystem(dir);
        await client.commit(name, key);
        const mounts = [await client.view(stage.key(), name), await client.prepare(child, name)];
        await mountedAll(stage, mounts, async ([viewed = '', prepared = '']) => {
          for (const root of [viewed, prepared]) {
            assert.is((await readFile(join(root, 'before'), 'utf8')).length, 100_000);
          }
          await refusesWrites(viewed);
          await writeFile(join(prepared, 'after'), 'y');
        });
      });
      // Unmounted, and with whatever its user did last: what was committed stays as it was.
      await stage.mounted(await client.view(stage.key(), name), async (dir) => {
        assert.equal((await rootOf(dir)).files, ['before']);
        await refusesWrites(dir);
      });
      await stage.mounted(await client.mounts(child), async (dir) => {
        assert.equal((await rootOf(dir)).files, ['after', 'before']);
      });
    });

    stage.test(`files that nobody synced are there when a mounted ${fsType} snapshot is committed`, async () => {
      const { client } = stage;
      const [key, name] = [stage.key(), stage.key()];
      await stage.mounted(await client.prepare(key, '', labels), async (dir) => {
        await writeFile(join(dir, 'unsynced'), 'z'.repeat(300_000));
        await client.commit(name, key);
        await stage.mounted(await client.prepare(stage.key(), name), async (root) => {
          assert.is((await readFile(join(root, 'unsynced'), 'utf8')).length, 300_000);
        });
      });
    });

    stage.test(`a view refuses writes when its ${fsType} parent was committed closed`, async () => {
      const parent = await committed(stage, labels);
      await stage.mounted(await stage.client.view(stage.key(), parent), refusesWrites);
    });
  }
}

async function committed(stage: Stage, labels: LabelMap): Promise<string> {
  const [key, name] = [stage.key(), stage.key()];
  const mounts = await stage.client.prepare(key, '', labels);
  await stage.mounted(mounts, (dir) => writeFile(join(dir, 'file'), 'text'));
  await stage.client.commit(name, key);
  return name;
}

async function mountedAll(
  stage: Stage,
  mounts: readonly (readonly Mount[])[],
  action: (dirs: readonly string[]) => Promise<void>,
): Promise<void> {
  const [first, ...rest] = mounts;
  if (first === undefined) return action([]);
  await stage.mounted(first, (dir) => mountedAll(stage, rest, (dirs) => action([dir, ...dirs])));
}

async function rootOf(dir: string): Promise<{ files: readonly string[]; mode: number; owner: string }> {
  const { mode, uid, gid } = await stat(dir);
  return { files: (await readdir(dir)).sort(), mode: mode & 0o7777, owner: `${uid}:${gid}` };
}

async function refusesWrites(dir: string): Promise<void> {
  let code: unknown = 'written';
  try {
    await writeFile(join(dir, 'not-to-be'), 'x');
  } catch (error) {
    code = error instanceof Error && 'code' in error ? error.code : error;
  }
  assert.is(code, 'EROFS');
}
