// A whole daemon whose catalog is damaged, brought back, cannot be written, or was written by an earlier one: what it says at
// its start, what its commands bring back, and that no file of a snapshot is deleted for that.

import { execFile } from 'node:child_process';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runProgram } from '../main/cli/support.ts';
import { type Daemon, makeDaemon, startDaemon } from '../support/daemon.ts';
import { damagesOf, FOLDER_DAMAGES } from '../support/damage/damages.ts';
import { copyRoot, type Days, readRoot } from '../support/damage/days.ts';
import { randomFrom } from '../support/random.ts';

const test = suite('catalog-blockfile');

const CONFIG = { volumes: 'blockfile', base_image_size: '32MB', min_free_space: '1%', standby_total: 0 };
/** What daemons of earlier commits wrote: the README there says how. */
const FIXTURES = fileURLToPath(new URL('../../../test/main/catalog/fixtures/', import.meta.url));

async function withDaemon(action: (daemon: Daemon, state: string) => Promise<void>): Promise<void> {
  await withIts(await startDaemon({ config: CONFIG }), action);
}

/** One that was not started yet, on the state that an earlier commit's daemon left. */
async function withEarlier(commit: string, action: (daemon: Daemon, state: string) => Promise<void>): Promise<void> {
  await withIts(await makeDaemon({ config: { ...CONFIG, base_image_size: '16MB' } }), async (daemon, state) => {
    await promisify(execFile)('tar', ['-xzf', join(FIXTURES, `${commit}.tar.gz`), '-C', daemon.root]);
    await action(daemon, state);
  });
}

async function withIts(daemon: Daemon, action: (daemon: Daemon, state: string) => Promise<void>): Promise<void> {
  try {
    await action(daemon, join(daemon.root, 'state'));
  } finally {
    await daemon.remove();
  }
}

/** A committed snapshot on nothing. */
async function layer({ client }: Daemon, name: string): Promise<void> {
  await client.prepare(`${name}-active`, '');
  await client.commit(name, `${name}-active`);
}

async function names({ client }: Daemon): Promise<readonly string[]> {
  return (await client.list()).map(({ name }) => name).sort();
}

function catalog(daemon: Daemon, ...args: readonly string[]) {
  return runProgram('catalog', ...args, '--config', join(daemon.root, 'config.toml'));
}

async function refusalOf(daemon: Daemon): Promise<string> {
  const outcome = await daemon.start().then(
    () => 'it starts',
    (error: unknown) => String(error),
  );
  await daemon.kill();
  return outcome;
}

test('a daemon refuses a damaged catalog, starts once it is repaired, and keeps every file', async () => {
  await withDaemon(async (daemon, state) => {
    for (const name of ['a', 'b', 'c']) await layer(daemon, name);
    await daemon.stop();
    const files = (await readdir(join(state, 'volumes'))).sort();
    const good = join(daemon.root, 'good');
    await copyRoot(state, good);
    const days: Days = { yesterday: good, stopped: good, killed: good, acknowledged: { stopped: [], killed: [] } };
    const random = randomFrom(3);
    const [logFlip] = damagesOf('log', { flips: 1, cuts: 0 }, random);
    const [manifestFlip] = damagesOf('MANIFEST', { flips: 1, cuts: 0 }, random);
    for (const damage of [logFlip, manifestFlip]) {
      const done = await damage?.apply(state, days);
      assert.match(await refusalOf(daemon), /Cannot .*catalog.*Run \\?"thinsnap catalog repair/, done);
      const { status, out, error } = await catalog(daemon, 'repair');
      assert.equal([status, error], [0, ''], done);
      assert.match(out, /came back\n/);
      await daemon.start();
      assert.equal((await readdir(join(state, 'volumes'))).sort(), files);
      await layer(daemon, `after ${String(done)}`);
      await daemon.stop();
      await rm(state, { recursive: true });
      await copyRoot(good, state);
    }
  });
});

test('a daemon refuses an empty catalog, and starts with its own newest backup, with all that it holds', async () => {
  await withDaemon(async (daemon, state) => {
    await layer(daemon, 'a');
    await layer(daemon, 'b');
    await daemon.stop();
    const [backup = ''] = await readdir(join(state, 'backups'));
    const days = { yesterday: state, stopped: state, killed: state, acknowledged: { stopped: [], killed: [] } };
    await FOLDER_DAMAGES[0]?.apply(state, days);
    assert.match(await refusalOf(daemon), /Cannot use the catalog|Cannot open the catalog/);
    assert.is((await catalog(daemon, 'repair')).status, 1);
    const { status, out } = await catalog(daemon, 'restore', join(state, 'backups', backup));
    assert.is(status, 0);
    assert.match(
      out,
      /^2 snapshots and 3 devices are back; batches of changes that were written after the backup: 0\n/,
    );
    await daemon.start();
    assert.equal(await names(daemon), ['a', 'b']);
    // Nothing was unknown to it: from now on it deletes again what nobody acknowledged.
    await writeFile(join(state, 'volumes', '77.img'), '');
    await daemon.restart();
    assert.not.ok((await readdir(join(state, 'volumes'))).includes('77.img'));
    await daemon.stop();
  });
});

test('a daemon with an older backup deletes no file that it does not know, and gives out no number twice', async () => {
  await withDaemon(async (daemon, state) => {
    await layer(daemon, 'old');
    const backup = join(daemon.root, 'a.backup');
    const made = await catalog(daemon, 'backup', backup);
    assert.equal([made.status, made.error], [0, '']);
    assert.match(made.out, /a\.backup: 1 snapshot, 2 devices\n$/);
    assert.is((await catalog(daemon, 'backup', backup)).status, 1);
    await layer(daemon, 'new');
    assert.match((await catalog(daemon, 'restore', backup)).error, /has it. Stop that thinsnapd first/);
    await daemon.stop();
    const files = await readdir(join(state, 'volumes'));
    const { status } = await catalog(daemon, 'restore', backup);
    assert.is(status, 0);
    for (let start = 0; start < 2; start += 1) {
      await daemon.start();
      assert.equal((await names(daemon)).slice(0, 1), ['old']);
      await layer(daemon, `z${start}`);
      const now = await readdir(join(state, 'volumes'));
      assert.equal(
        files.filter((file) => !now.includes(file)),
        [],
      );
      assert.is(now.length, files.length + start + 1);
      await daemon.stop();
    }
  });
});

test('a daemon refuses a catalog of another format and leaves it as it is', async () => {
  await withDaemon(async (daemon, state) => {
    await layer(daemon, 'a');
    await daemon.stop();
    const path = join(state, 'catalog.json');
    const text = (await readFile(path, 'utf8')).replace('"format":2', '"format":3');
    await writeFile(path, text);
    assert.match(await refusalOf(daemon), /it is in format 3, and this version of thinsnap reads format 2/);
    assert.is(await readFile(path, 'utf8'), text);
    assert.match((await catalog(daemon, 'repair')).error, /Start the version that wrote it/);
  });
});

for (const commit of ['c593d69', '368b00c']) {
  test(`a daemon refuses what that of ${commit} wrote in format 1, as all commands do, and changes none of its files`, async () => {
    await withEarlier(commit, async (daemon, state) => {
      const before = await readRoot(state);
      assert.match(await refusalOf(daemon), /it is in format 1, and this version of thinsnap reads format 2/);
      assert.match((await catalog(daemon, 'repair')).error, /Start the version that wrote it/);
      assert.is((await catalog(daemon, 'backup', join(daemon.root, 'a.backup'))).status, 1);
      confirmSame(before, await readRoot(state));
    });
  });
}

for (const commit of ['7b9d7a9', '90c4cd9']) {
  test(`a daemon reads all that the one of ${commit} wrote, goes on with it, and leaves its volumes as they are`, async () => {
    await withEarlier(commit, async (daemon, state) => {
      const before = await readRoot(join(state, 'volumes'));
      await daemon.start();
      const found = (await daemon.client.list()).map(({ name, parent, labels }) => [name, parent, { ...labels }]);
      assert.equal(found.sort(), [
        ['container', 'layer', {}],
        ['layer', '', { 'a label': 'with a value' }],
        ['view', 'layer', {}],
      ]);
      for (const key of ['container', 'view']) assert.is((await daemon.client.mounts(key)).length, 1);
      confirmSame(before, await readRoot(join(state, 'volumes')));
      await daemon.client.prepare('new', 'layer');
      await daemon.restart();
      assert.equal(await names(daemon), ['container', 'layer', 'new', 'view']);
      const after = await readRoot(join(state, 'volumes'));
      confirmSame(before, new Map([...after].filter(([file]) => before.has(file))));
      await daemon.stop();
    });
  });
}

/** Not as maps: what is shown of two that differ would be megabytes. */
function confirmSame(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): void {
  assert.equal([...after.keys()].sort(), [...before.keys()].sort());
  for (const [file, text] of before) assert.ok(after.get(file) === text, `${file} has changed`);
}

test('thinsnap check looks itself while the daemon is stopped, with repairs and drops, and asks it while it runs', async () => {
  await withDaemon(async (daemon, state) => {
    await layer(daemon, 'a');
    const check = (...args: readonly string[]) =>
      runProgram('check', ...args, '--config', join(daemon.root, 'config.toml'));
    assert.equal(await check(), { status: 0, out: 'Nothing differs\n', error: '' });
    await daemon.stop();
    assert.equal(await check('--repair'), { status: 0, out: 'Nothing differs\n', error: '' });
    const [file = ''] = await readdir(join(state, 'volumes'));
    await rename(join(state, 'volumes', file), join(state, 'volumes', '77.img'));
    const { status, out } = await check();
    assert.is(status, 1);
    assert.match(out, new RegExp(`^unknown  file 77\\.img: .*\nmissing  file ${file}: .*\n$`));
    assert.match((await check('--quarantine-list')).out, /^unknown {2}file 77\.img: [^\n]*\n$/);
    assert.match((await check('--drop', 'file 5.img')).error, /it is none of what no record names/);
    assert.match((await check('--drop', 'file 77.img')).out, new RegExp(`^missing  file ${file}: [^\n]*\n$`));
    assert.not.ok((await readdir(join(state, 'volumes'))).includes('77.img'));
    // A socket alone says nothing of where the records are.
    const socket = join(daemon.root, 'admin.sock');
    assert.is((await runProgram('check', '--admin-address', socket)).status, 3);
  });
});

test.run();
