// What `thinsnap` says of a real pool, held against thin_ls and the pool's own status; and a reset, which takes all that is
// ours away and nothing else.
// vm: plain

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { at, runProgram } from '../main/cli/support.ts';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { withMounted } from '../support/mounting.ts';
import { until } from '../support/until.ts';
import { thinPoolConfig } from './support/daemon.ts';
import { clearDevices, makePool, POOL, removePool } from './support/pool.ts';
import { shell } from './support/shell.ts';

const MIB = 1024 * 1024;
const BLOCK_BYTES = 128 * 512;
const LIMIT_MS = 60_000;
/** Somebody's that was there before us. */
const FOREIGN_ID = 77;

const tests = suite('operator');
let daemon: Daemon;

async function json(...args: readonly string[]): Promise<unknown> {
  const { status, out, error } = await runProgram(...args, '--json', '--config', join(daemon.root, 'config.toml'));
  assert.equal([status, error], [0, '']);
  const parsed: unknown = JSON.parse(out);
  return parsed;
}

/** "DEV MAPPED EXCLUSIVE SHARED", as thin_ls has them. */
async function thinLs(): Promise<readonly (readonly number[])[]> {
  await shell('dmsetup', 'message', POOL, '0', 'reserve_metadata_snap');
  try {
    const columns = 'DEV,MAPPED_BYTES,EXCLUSIVE_BYTES,SHARED_BYTES';
    const out = await shell('thin_ls', '-m', '--no-headers', '-o', columns, '/dev/mapper/thinsnap-test-metadata');
    return out.split('\n').map((line) => line.trim().split(/\s+/).map(Number));
  } finally {
    await shell('dmsetup', 'message', POOL, '0', 'release_metadata_snap');
  }
}

async function usedBytes(): Promise<number> {
  const [, , , , , data = ''] = (await shell('dmsetup', 'status', POOL)).split(' ');
  return Number(data.split('/')[0]) * BLOCK_BYTES;
}

tests.before(async () => {
  await clearDevices();
  await makePool();
  await shell('dmsetup', 'message', POOL, '0', `create_thin ${FOREIGN_ID}`);
  daemon = await startDaemon({
    config: { ...thinPoolConfig('ioctl'), pool_name: POOL, base_image_size: '64MB', standby_per_parent: 2 },
  });
});
tests.after(async () => {
  await daemon.remove();
  await removePool();
});

tests('thinsnap usage has the figures of thin_ls, and they add up to what the pool uses', async () => {
  const { client } = daemon;
  await client.prepare('first');
  await withMounted(daemon.root, await client.mounts('first'), (dir) =>
    writeFile(join(dir, 'a'), Buffer.alloc(8 * MIB, 1)),
  );
  await client.commit('layer', 'first');
  await client.prepare('web', 'layer');
  await withMounted(daemon.root, await client.mounts('web'), (dir) =>
    writeFile(join(dir, 'b'), Buffer.alloc(4 * MIB, 2)),
  );
  await client.view('view', 'layer');
  const usage = await json('usage');
  const rows = new Map((await thinLs()).map(([id = 0, ...sizes]) => [id, sizes]));
  for (const name of ['layer', 'web']) {
    const entry = Object.values(at(usage, 'snapshots') ?? []).find((each: unknown) => at(each, 'name') === name);
    const sizes = ['referenced_bytes', 'exclusive_bytes', 'shared_bytes'].map((field) => at(entry, field));
    assert.equal(sizes, rows.get(Number(at(await json('inspect', name), 'device', 'thin_id'))), name);
  }
  const exclusive = [...rows.values()].reduce((sum, [, own = 0]) => sum + own, 0);
  assert.is(at(usage, 'totals', 'used_bytes'), await usedBytes());
  assert.is(Number(at(usage, 'totals', 'shared_bytes')), (await usedBytes()) - exclusive);
  assert.is(at(usage, 'totals', 'others', 'count'), 1);
  const data = at(await json('status'), 'space', 'data');
  assert.is(Number(at(data, 'used_bytes')) + Number(at(data, 'available_bytes')), at(data, 'total_bytes'));
});

tests('what thinsnap usage says is freed is free once the snapshot is removed', async () => {
  const [web] = Object.values(at(await json('usage', 'web'), 'snapshots') ?? []) as readonly unknown[];
  const before = await usedBytes();
  await daemon.client.remove('web');
  await daemon.client.cleanup();
  await until(
    LIMIT_MS,
    async () => ((await usedBytes()) <= before - Number(at(web, 'frees_bytes')) ? true : null),
    () => 'the pool uses as much as before',
  );
  assert.ok(Number(at(web, 'frees_bytes')) >= 4 * MIB);
});

tests('thinsnap reset takes away all that is ours, and leaves what is not', async () => {
  assert.equal(await json('reset', '--yes', '--force'), { snapshots_left: 0, devices_left: 0 });
  assert.equal(
    (await thinLs()).map(([id]) => id),
    [FOREIGN_ID],
  );
  assert.is(await usedBytes(), 0);
  const names = await shell('dmsetup', 'info', '-c', '--noheadings', '-o', 'name');
  assert.not.match(names, `${POOL}-snap-`);
  await daemon.client.prepare('after');
  assert.equal(await json('reset', '--yes', '--force'), { snapshots_left: 0, devices_left: 0 });
});

tests.run();
