// `thinsnap` as a process against a whole daemon on block files: what it shows against what the service and the system say,
// and what it says while the daemon is away.

import { spawn } from 'node:child_process';
import { lstat, readdir, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import * as assert from 'uvu/assert';
import { at, runProgram } from '../main/cli/support.ts';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { until } from '../support/until.ts';
import { withTimeout } from '../support/with-timeout.ts';
import { type Stage, stageSuite } from './stage.ts';

const MIB = 1024 * 1024;
const WRITTEN_BYTES = 8 * MIB;
/** Files may land on blocks that the parent mapped already. */
const REUSED_BYTES = MIB / 2;
/** Made for a slow machine. */
const LIMIT_MS = 60_000;
const PROGRAM = new URL('../../src/main/thinsnap.js', import.meta.url).pathname;

function makeDaemon(): Promise<Daemon> {
  return startDaemon({ config: { volumes: 'blockfile', base_image_size: '64MB', min_free_space: '1%' } });
}

async function json(stage: Stage, ...args: readonly string[]): Promise<unknown> {
  const { status, out, error } = await ask(stage, ...args, '--json');
  assert.equal([status, error], [0, '']);
  const parsed: unknown = JSON.parse(out);
  return parsed;
}

async function entries(stage: Stage, ...args: readonly string[]): Promise<readonly unknown[]> {
  const list = await json(stage, ...args);
  return typeof list === 'object' && list !== null ? Object.entries(list).map(([, entry]): unknown => entry) : [];
}

function ask({ daemon }: Stage, ...args: readonly string[]) {
  return runProgram(...args, '--config', join(daemon.root, 'config.toml'));
}

function looks(stage: Stage): void {
  stage.test('the admin socket is beside the other one, for root alone', async () => {
    assert.is((await lstat(join(stage.daemon.root, 'admin.sock'))).mode & 0o777, 0o600);
  });

  stage.test('thinsnap status has the space that the system has, and counts what was made', async () => {
    const before = await json(stage, 'status');
    const layer = await stage.layer();
    await stage.client.prepare(stage.key(), layer);
    await stage.client.view(stage.key(), layer);
    const after = await json(stage, 'status');
    assert.equal(
      ['committed', 'active', 'views'].map(
        (kind) => Number(at(after, 'snapshots', kind)) - Number(at(before, 'snapshots', kind)),
      ),
      [1, 1, 1],
    );
    const active = (status: unknown): number => Number(at(status, 'devices', 'states', 'Activated') ?? 0);
    assert.is(active(after) - active(before), 1);
    const fs = await statfs(stage.daemon.root);
    const [total, used, available] = ['total_bytes', 'used_bytes', 'available_bytes'].map((field) =>
      Number(at(after, 'space', 'data', field)),
    );
    assert.is(total, fs.blocks * fs.bsize);
    assert.is((used ?? 0) + (available ?? 0), total);
    assert.is(at(after, 'daemon', 'pid'), stage.daemon.pid);
    assert.is(at(after, 'health'), 'ok');
  });

  stage.test('thinsnap ls and tree have every snapshot with the usage that the service answers', async () => {
    const layer = await stage.layer('', (dir) => writeFile(join(dir, 'file'), Buffer.alloc(WRITTEN_BYTES, 1)));
    const key = `${stage.key()}\u001b[31m\n$(id)`;
    await stage.mounted(await stage.client.prepare(key, layer), (dir) =>
      writeFile(join(dir, 'other'), Buffer.alloc(WRITTEN_BYTES, 2)),
    );
    const list = await entries(stage, 'ls', '--usage');
    const infos = await stage.client.list();
    assert.equal(list.map((entry) => String(at(entry, 'name'))).sort(), infos.map(({ name }) => name).sort());
    for (const name of [layer, key]) {
      const shown = Number(
        at(
          list.find((entry) => at(entry, 'name') === name),
          'usage_bytes',
        ),
      );
      assert.is(shown, Number((await stage.client.usage(name)).size));
      assert.ok(shown >= WRITTEN_BYTES - REUSED_BYTES, String(shown));
    }
    const nodes = await entries(stage, 'tree', layer);
    assert.equal(
      nodes.map((node) => [at(node, 'name'), at(node, 'depth')]),
      [
        [layer, 0],
        [key, 1],
      ],
    );
    const table = await ask(stage, 'ls');
    assert.is(table.out.split('\n').length, infos.length + 2);
    assert.not.ok(table.out.includes('\u001b'));
  });

  stage.test(
    'thinsnap inspect has the mount that the service answers, and says that there is none of a name',
    async () => {
      const key = stage.key();
      const [mount] = await stage.client.prepare(key, await stage.layer());
      const found = await json(stage, 'inspect', key);
      assert.equal(at(found, 'mount'), { type: mount?.type, source: mount?.source, options: mount?.options });
      assert.equal([at(found, 'device', 'state'), at(found, 'device', 'thin_id')], ['Activated', null]);
      const none = await ask(stage, 'inspect', 'none');
      assert.equal([none.status, none.error], [4, 'Cannot find snapshot "none": there is none\n']);
    },
  );

  stage.test('thinsnap gc leaves nothing of what was removed', async () => {
    const layer = await stage.layer();
    const keys = Array.from({ length: 8 }, () => stage.key());
    await Promise.all(keys.map((key) => stage.client.prepare(key, layer)));
    await Promise.all(keys.map((key) => stage.client.remove(key)));
    assert.is(at(await json(stage, 'gc'), 'left'), 0);
    assert.is(at(await json(stage, 'status'), 'reaper', 'queue'), 0);
  });
}

/** `thinsnap ARGS` while it runs, by its lines. */
function follow({ daemon }: Stage, ...args: readonly string[]) {
  const child = spawn(process.execPath, [PROGRAM, ...args, '--config', join(daemon.root, 'config.toml')], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  const seen = (text: string): Promise<true> =>
    until(
      LIMIT_MS,
      async () => (lines.some((line) => line.includes(text)) ? true : null),
      () => `${text} in ${lines.join('; ')}`,
    );
  return { lines, seen, ended, stop: () => child.kill('SIGKILL') };
}

function follows(stage: Stage): void {
  stage.test('thinsnap events tells what happens, and holds up no stop of the daemon', async () => {
    const events = follow(stage, 'events');
    try {
      const layer = await stage.layer();
      // Whether the stream is open yet cannot be seen from here: something happens until it is.
      await until(
        LIMIT_MS,
        async () => {
          const key = stage.key();
          await stage.client.view(key, layer);
          await stage.client.remove(key);
          return events.lines.length > 0 ? true : null;
        },
        () => 'no event',
      );
      const key = stage.key();
      await stage.client.prepare(key, layer);
      await stage.client.update({ name: key, labels: { a: 'b' } }, ['labels.a']);
      await stage.client.remove(key);
      await stage.client.cleanup();
      await events.seen('reaped ');
      const own = events.lines.filter((line) => line.includes(key)).map((line) => line.split(/ +/)[1]);
      assert.equal(own, ['prepare', 'update', 'remove']);
      await stage.daemon.stop();
      assert.is(await withTimeout(events.ended, LIMIT_MS, 'the end of thinsnap events'), 3);
    } finally {
      events.stop();
      await stage.daemon.start();
    }
  });

  stage.test('thinsnap status --watch goes on across a restart, and every command ends with 3 in between', async () => {
    const watch = follow(stage, 'status', '--watch', '--interval', '0.2');
    try {
      await watch.seen(`process ${stage.daemon.pid}`);
      await stage.daemon.kill();
      await watch.seen('nobody listens there');
      for (const args of [['status'], ['ls'], ['tree'], ['inspect', 'x'], ['gc'], ['events']]) {
        const { status, out, error } = await ask(stage, ...args);
        assert.equal([status, out], [3, '']);
        assert.match(
          error,
          /^Cannot reach thinsnapd on .*admin\.sock: nobody listens there\. It has ended: start it again\n$/,
        );
      }
      await stage.daemon.start();
      await watch.seen(`process ${stage.daemon.pid}`);
    } finally {
      watch.stop();
    }
  });
}

function resets(stage: Stage): void {
  stage.test('thinsnap usage has what the files take, and shares nothing where nothing is shared', async () => {
    const layer = await stage.layer('', (dir) => writeFile(join(dir, 'file'), Buffer.alloc(WRITTEN_BYTES, 1)));
    const usage = await json(stage, 'usage', layer);
    const id = Number(at(await json(stage, 'inspect', layer), 'device', 'id'));
    const { blocks } = await lstat(join(stage.daemon.root, 'state', 'volumes', `${id}.img`));
    const of = (field: string): number => Number(at(usage, 'snapshots', 0, field));
    assert.is(of('referenced_bytes'), blocks * 512);
    assert.is(of('exclusive_bytes') + of('shared_bytes'), of('referenced_bytes'));
    assert.is(at(usage, 'omitted'), '');
  });

  stage.test('thinsnap reset is refused while a snapshot is mounted, and leaves nothing otherwise', async () => {
    const layer = await stage.layer();
    const mounts = await stage.client.prepare(stage.key(), layer);
    await stage.mounted(mounts, async () => {
      const { status, error } = await ask(stage, 'reset', '--yes');
      assert.is(status, 1);
      assert.match(error, /^Cannot reset: file \d+\.img mounted or open/);
    });
    assert.match((await ask(stage, 'reset', '--yes')).error, 'clients are connected');
    assert.ok((await stage.client.list()).length > 0);
    assert.equal(await ask(stage, 'reset', '--yes', '--force'), {
      status: 0,
      out: 'Everything was removed\n',
      error: '',
    });
    assert.equal(await stage.client.list(), []);
    assert.equal(await readdir(join(stage.daemon.root, 'state', 'volumes')), []);
    await stage.client.prepare(stage.key());
  });

  stage.test('thinsnap reset that is killed in the middle is done by a start and another one', async () => {
    const layer = await stage.layer();
    for (let count = 0; count < 4; count += 1) await stage.client.prepare(stage.key(), layer);
    await stage.daemon.stop();
    await stage.daemon.start({ THINSNAP_FAILPOINTS: 'reaper.removed=2*off->1*kill' });
    assert.is((await ask(stage, 'reset', '--yes', '--force')).status, 3);
    await stage.daemon.forget();
    await stage.daemon.start();
    assert.is((await ask(stage, 'reset', '--yes', '--force')).status, 0);
    assert.equal(await readdir(join(stage.daemon.root, 'state', 'volumes')), []);
    assert.is(at(await json(stage, 'status'), 'devices', 'total'), 0);
  });
}

stageSuite('admin, blockfile', makeDaemon, [looks, follows, resets]);
