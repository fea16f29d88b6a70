// `thinsnap check` and `thinsnap catalog repair` of a daemon that is stopped, against a real pool: what no record names is shown,
// and deleted when it is dropped; what is missing is shown; what the kernel has without a record is taken away by --repair.

import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PIPE, runOn } from '../main/cli/support.ts';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { thinPoolConfig } from './support/daemon.ts';
import { clearDevices, makePool, POOL, removePool } from './support/pool.ts';
import { shell } from './support/shell.ts';

const UNKNOWN = 'thin id 4000';
const METADATA_DISK = '/dev/vdb';
const STRAY = `${POOL}-snap-4000`;

const tests = suite('checks of a stopped daemon');
let daemon: Daemon;

function thinsnap(...args: readonly string[]): ReturnType<typeof runOn> {
  return runOn(PIPE, ...args, '--config', join(daemon.root, 'config.toml'));
}

/** What differs, "RULE WHAT" each. */
async function differences(...args: readonly string[]): Promise<readonly string[]> {
  const { status, out, error } = await thinsnap('check', ...args);
  assert.is(error, '');
  if (status === 0) return [];
  return out.split('\n').flatMap((line) => /^(\w+) {2}([^:]+):/.exec(line)?.slice(1).join(' ') ?? []);
}

/** All that the pool has, without the daemon's help. */
async function thinIds(): Promise<readonly string[]> {
  await shell('dmsetup', 'message', POOL, '0', 'reserve_metadata_snap');
  try {
    const listed = await shell('thin_ls', '--no-headers', '-m', '-o', 'DEV', METADATA_DISK);
    return listed.split(/\s+/).filter(Boolean);
  } finally {
    await shell('dmsetup', 'message', POOL, '0', 'release_metadata_snap');
  }
}

async function names(): Promise<readonly string[]> {
  return (await daemon.client.list()).map(({ name }) => name).sort();
}

async function catalogId(): Promise<string> {
  return /[0-9a-f]{32}/.exec(await readFile(join(daemon.root, 'state', 'catalog.json'), 'utf8'))?.[0] ?? '';
}

// A test, for uvu says nothing of what a hook throws.
tests('the daemon starts, and the running one is asked', async () => {
  await makePool();
  daemon = await startDaemon({
    config: { ...thinPoolConfig('ioctl'), pool_name: POOL, base_image_size: '64MB', standby_per_parent: 0 },
  });
  const { client } = daemon;
  await client.prepare('first');
  await client.commit('layer', 'first');
  await client.prepare('container', 'layer');
  assert.equal(await differences(), []);
  await daemon.stop();
});
tests.after(async () => {
  await daemon.remove();
  await clearDevices();
  await removePool();
});

tests('thinsnap check finds nothing after a good end, and what was put there since', async () => {
  assert.equal(await differences(), []);
  await shell('dmsetup', 'message', POOL, '0', 'create_thin 4000');
  await shell('dmsetup', 'create', STRAY, '--uuid', `thinsnap-${await catalogId()}-4000`, '--table', '0 8 zero');
  assert.equal(await differences(), [`unknown ${UNKNOWN}`, `stray ${STRAY}`]);
  assert.equal(await differences('--quarantine-list'), [`unknown ${UNKNOWN}`]);
});

tests('thinsnap catalog repair holds what came back against the pool', async () => {
  const directory = join(daemon.root, 'state', 'catalog');
  const manifest = (await readdir(directory)).find((name) => name.startsWith('MANIFEST')) ?? '';
  await writeFile(join(directory, manifest), 'no manifest');
  const { status, out, error } = await thinsnap('catalog', 'repair');
  assert.equal([status, error], [0, '']);
  assert.match(out, /^2 snapshots and 3 devices came back\n/);
  assert.match(out, new RegExp(`held against pool ${POOL}:\nunknown  ${UNKNOWN}: `));
});

tests('thinsnap check --repair takes the stray away, and --drop deletes what is unknown and nothing else', async () => {
  assert.equal(await differences('--repair'), [`unknown ${UNKNOWN}`]);
  assert.match((await thinsnap('check', '--drop', 'thin id 1')).error, /it is none of what no record names/);
  assert.equal(await differences('--drop', UNKNOWN), []);
  await shell('dmsetup', 'message', POOL, '0', 'create_thin 4000');
  await shell('dmsetup', 'message', POOL, '0', 'delete 4000');
});

tests(
  'a daemon with an older backup deletes no thin id that it does not know, and gives out none of them',
  async () => {
    await daemon.start();
    const backup = join(daemon.root, 'older.backup');
    assert.is((await thinsnap('catalog', 'backup', backup)).error, '');
    for (const name of ['committed', 'active']) await daemon.client.prepare(name, 'layer');
    await daemon.client.commit('newer', 'committed');
    await daemon.stop();
    const before = await thinIds();
    assert.is((await thinsnap('catalog', 'restore', backup)).error, '');
    // The second start finds nothing to mend, and must keep them as well.
    for (let start = 0; start < 2; start += 1) {
      await daemon.start();
      assert.equal((await names()).slice(0, 2), ['container', 'layer']);
      await daemon.client.prepare(`new-${start}`, 'layer');
      await daemon.client.remove(`new-${start}`);
      await daemon.client.prepare(`z-${start}`, 'layer');
      await daemon.client.cleanup();
      await daemon.stop();
      const after = await thinIds();
      assert.equal(
        before.filter((id) => !after.includes(id)),
        [],
      );
      assert.is(after.length, before.length + start + 1);
    }
    const unknown = await differences('--repair');
    assert.is(unknown.length, 2);
    for (const what of unknown) await differences('--drop', what.replace('unknown ', ''));
    assert.equal(await differences(), []);
  },
);

tests('thinsnap check names what is missing, and refuses a pool that is not the right one', async () => {
  const [, , , tag = ''] = (await shell('dmsetup', 'status', POOL)).split(' ');
  await shell('dmsetup', 'message', POOL, '0', `set_transaction_id ${tag} 7`);
  assert.match((await thinsnap('check')).error, /its transaction id is 7 and must be/);
  await shell('dmsetup', 'message', POOL, '0', `set_transaction_id 7 ${tag}`);
  await shell('dmsetup', 'remove', `${POOL}-snap-3`);
  await shell('dmsetup', 'message', POOL, '0', 'delete 3');
  assert.equal(await differences(), ['missing thin id 3']);
});

tests.run();
