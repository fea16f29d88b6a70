// Remove of what is in use, Usage, Cleanup, and Commit onto another parent.

import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Snapshots } from '../../../src/main/rpc/gen/containerd/services/snapshots/v1/snapshots_pb.ts';
import { codeOf, failureOf } from '../../support/grpc-client.ts';
import { syncFileSystem } from '../../support/mounting.ts';
import { promptly } from '../../support/promptly.ts';
import type { Stage } from '../stage.ts';

const MIB = 1024 * 1024;
const WRITTEN_BYTES = 8 * MIB;
/** What a file system may write for itself beside the files. */
const OVERHEAD_BYTES = 8 * MIB;
/** Files may land on blocks that the parent mapped already, left over from its own making (57,344 bytes were seen). */
const REUSED_BYTES = MIB / 2;
/** A snapshot that nobody wrote to: mounting alone writes a superblock and a journal's head. */
const UNTOUCHED_BYTES = 2 * MIB;

export function removals(stage: Stage): void {
  busy(stage);
  usage(stage);
  rebase(stage);

  stage.test('Cleanup answers OK when there is nothing to do, and when much is', async () => {
    const { client } = stage;
    await client.cleanup();
    const parent = await stage.layer();
    const keys = Array.from({ length: 20 }, () => stage.key());
    await Promise.all(keys.map((key) => client.prepare(key, parent)));
    await Promise.all(keys.map((key) => client.remove(key)));
    await client.remove(parent);
    await Promise.all([client.cleanup(), client.cleanup()]);
  });
}

function busy(stage: Stage): void {
  stage.test('Remove answers OK at once and frees the key when the snapshot is mounted', async () => {
    const { client } = stage;
    const [key, parent] = [stage.key(), await stage.layer()];
    await stage.mounted(await client.prepare(key, parent), async (dir) => {
      await writeFile(join(dir, 'file'), 'text');
      await promptly(client.remove(key));
      assert.is(await codeOf(client.stat(key)), 'NOT_FOUND');
      // Whoever has it mounted keeps it until they let go, whatever is done with the key.
      const made = await client.prepare(key, parent);
      assert.is(await readFile(join(dir, 'file'), 'utf8'), 'text');
      await stage.mounted(made, async (fresh) => {
        await writeFile(join(fresh, 'other'), 'other');
      });
      await client.remove(key);
    });
    await client.remove(parent);
    await client.cleanup();
  });

  stage.test('Cleanup comes to an end when a removed snapshot is still mounted', async () => {
    const { client } = stage;
    const key = stage.key();
    await stage.mounted(await client.prepare(key), async () => {
      await client.remove(key);
      await client.cleanup();
    });
    await client.cleanup();
  });

  stage.test('views of one parent go one by one when another is still mounted', async () => {
    const { client } = stage;
    const parent = await stage.layer('', (dir) => writeFile(join(dir, 'file'), 'text'));
    const [one, two] = [stage.key(), stage.key()];
    await client.view(one, parent);
    await stage.mounted(await client.view(two, parent), async (dir) => {
      await client.remove(one);
      assert.is(await readFile(join(dir, 'file'), 'utf8'), 'text');
      await client.remove(two);
      await client.remove(parent);
      assert.is(await readFile(join(dir, 'file'), 'utf8'), 'text');
    });
    await client.cleanup();
  });
}

function usage(stage: Stage): void {
  stage.test('Usage counts what was added when a snapshot is active and when it is committed', async () => {
    const { client } = stage;
    const parent = await stage.layer('', fill);
    const [key, name] = [stage.key(), stage.key()];
    const mounts = await client.prepare(key, parent);
    assertBetween((await client.usage(key)).size, 0, UNTOUCHED_BYTES);
    await stage.mounted(mounts, fill);
    assertBetween((await client.usage(key)).size, WRITTEN_BYTES - REUSED_BYTES, WRITTEN_BYTES + OVERHEAD_BYTES);
    await client.commit(name, key);
    assertBetween((await client.usage(name)).size, WRITTEN_BYTES - REUSED_BYTES, WRITTEN_BYTES + OVERHEAD_BYTES);
    assertBetween((await client.usage(parent)).size, WRITTEN_BYTES - REUSED_BYTES, WRITTEN_BYTES + OVERHEAD_BYTES);
    const child = stage.key();
    await client.prepare(child, name);
    assertBetween((await client.usage(child)).size, 0, UNTOUCHED_BYTES);
  });

  stage.test('Usage is 0 when the snapshot is a view', async () => {
    const { client } = stage;
    const view = stage.key();
    await client.view(view, await stage.layer('', fill));
    const { size, inodes } = await client.usage(view);
    assert.equal([size, inodes], [0n, 0n]);
  });
}

function rebase(stage: Stage): void {
  stage.test('Commit takes its parent field when it names the parent that the snapshot has', async () => {
    const { client } = stage;
    const [key, name, parent] = [stage.key(), stage.key(), await stage.layer()];
    await client.prepare(key, parent);
    await client.grpc.call(Snapshots.method.commit, { key, name, parent });
    assert.is((await client.stat(name)).parent, parent);
  });

  stage.test('Commit refuses clearly and changes nothing when its parent field names another', async () => {
    const { client } = stage;
    const [key, name, parent, other] = [stage.key(), stage.key(), await stage.layer(), await stage.layer()];
    await client.prepare(key, parent);
    const failure = await failureOf(client.grpc.call(Snapshots.method.commit, { key, name, parent: other }));
    assert.match(failure.name, /^(UNIMPLEMENTED|INVALID_ARGUMENT|FAILED_PRECONDITION)$/);
    assert.match(failure.details, /rebase|parent/);
    assert.is(await codeOf(client.stat(name)), 'NOT_FOUND');
    await client.commit(name, key);
  });
}

async function fill(dir: string): Promise<void> {
  await writeFile(join(dir, `data-${randomBytes(4).toString('hex')}`), randomBytes(WRITTEN_BYTES));
  await syncFileSystem(dir);
}

function assertBetween(size: bigint, low: number, high: number): void {
  assert.ok(size >= BigInt(low) && size <= BigInt(high), `${size} is not in ${low}..${high}`);
}
