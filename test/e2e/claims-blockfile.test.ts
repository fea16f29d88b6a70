// One daemon, and for whom: a second one on the same state or socket ends and takes nothing away, and nobody but the daemon's
// own user, or the group that was named, gets at its socket, its files or its memory. THINSNAP_HOSTILE_CASES=20000 starts 50 at
// once.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, lstat, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ConfigTable, type Daemon, startDaemon, writeConfig } from '../support/daemon.ts';
import { withScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import { withTimeout } from '../support/with-timeout.ts';
import { CASES } from './hostile/calm.ts';

const ENTRY = fileURLToPath(new URL('../../src/main/thinsnapd.js', import.meta.url));
const CONFIG = { volumes: 'blockfile', base_image_size: '32MB', min_free_space: '1%' };
const AT_ONCE = Math.max(4, Math.min(50, Math.floor(CASES / 400)));
const LIMIT_MS = 120_000;
/** nobody's, on Debian. */
const NOBODY = 65_534;
const GROUP = 54_321;

/** Of which one must be quick: the machine has others to serve. */
const TRIES = 3;
/** How much longer than a start one may take that ends instead: it does less. */
const END_TO_START_MAX = 3;

interface End {
  readonly ms: number;
  readonly status: number | null;
  readonly output: string;
}

interface Run {
  readonly pid: number;
  readonly end: Promise<End>;
  stop(): void;
}

function run(...args: readonly string[]): Run {
  const since = performance.now();
  const child = spawn(process.execPath, [ENTRY, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const end = withTimeout(once(child, 'close'), LIMIT_MS, 'the end of a daemon').then(() => ({
    ms: performance.now() - since,
    status: child.exitCode,
    output,
  }));
  return { pid: child.pid ?? 0, end, stop: () => child.kill('SIGTERM') };
}

/** Writes a configuration for daemons under `dir`; answers the file. */
function configIn(dir: string, config: ConfigTable): Promise<string> {
  return writeConfig(dir, { root_path: join(dir, 'state'), address: join(dir, 'socket'), ...CONFIG, ...config });
}

async function withDaemon(config: ConfigTable, action: (daemon: Daemon) => Promise<void>): Promise<void> {
  const daemon = await startDaemon({ config: { ...CONFIG, ...config } });
  try {
    await action(daemon);
  } finally {
    await daemon.remove();
  }
}

/** The error's code when that user connects to the socket, or "connected". */
async function connectAs(id: { uid: number; gid: number }, address: string): Promise<string> {
  const script = `
    const socket = require('node:net').connect(process.argv[1]);
    socket.on('connect', () => { console.log('connected'); socket.destroy(); }).on('error', (error) => console.log(error.code));`;
  // Node.js itself may be where only root looks: it is started as root and gives that up.
  const dropped = `process.setgroups([]); process.setgid(${id.gid}); process.setuid(${id.uid}); ${script}`;
  const child = spawn(process.execPath, ['--eval', dropped, address], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await withTimeout(once(child, 'close'), LIMIT_MS, 'a client');
  return said.trim();
}

/** How long this machine takes to have one say its version, and to have one serve. */
async function startMs(): Promise<number> {
  const version = await run('--version').end;
  assert.is(version.status, 0);
  const since = performance.now();
  let serving = since;
  await withDaemon({}, async () => {
    serving = performance.now();
  });
  return version.ms + serving - since;
}

test('a second daemon ends and takes nothing away when it has the same state, the same socket, or both', async () => {
  await withDaemon({}, async (daemon) => {
    await daemon.client.prepare('kept');
    const own = ['--config', join(daemon.root, 'config.toml')];
    await withScratch(async (dir) => {
      const others: readonly (readonly [string, readonly string[]])[] = [
        ['state', [...own, '--address', join(daemon.root, 'other.sock')]],
        ['state and socket', own],
        ['socket', ['--config', await configIn(dir, { address: daemon.address })]],
      ];
      await confirmQuick(async ([same, args]) => {
        const { status, output, ms } = await run(...args).end;
        assert.is(status, 1);
        assert.match(output, new RegExp(`process ${daemon.pid} (has it|does)`));
        return { ms, what: `${Math.round(ms)} ms with the same ${same}` };
      }, others);
    });
    assert.ok((await lstat(daemon.address)).isSocket());
    assert.is((await daemon.client.mounts('kept')).length, 1);
  });
});

interface Ended {
  readonly ms: number;
  readonly what: string;
}

/** Held against what this machine takes for a start at the same time. */
async function confirmQuick<Other>(end: (other: Other) => Promise<Ended>, others: readonly Other[]): Promise<void> {
  const found: string[] = [];
  for (let tries = 0; tries < TRIES; tries += 1) {
    const start = await startMs();
    const ends: Ended[] = [];
    for (const other of others) ends.push(await end(other));
    const list = ends.map(({ what }) => what).join(', ');
    found.push(`they ended after ${list}; --version and a start take ${Math.round(start)} ms`);
    process.stdout.write(`${found.at(-1)}\n`);
    if (ends.every(({ ms }) => ms < END_TO_START_MAX * start)) return;
  }
  assert.unreachable(found.join('\n'));
}

test(`exactly one lives when ${AT_ONCE} are started at once, also on what a kill has left`, async () => {
  await withScratch(async (dir) => {
    const file = await configIn(dir, {});
    for (let round = 0; round < 2; round += 1) {
      const runs = Array.from({ length: AT_ONCE }, () => run('--config', file));
      const ended = new Map<number, End>();
      for (const { pid, end } of runs)
        void end.then(
          (outcome) => ended.set(pid, outcome),
          () => undefined,
        );
      await until(
        LIMIT_MS,
        async () => (ended.size === AT_ONCE - 1 ? true : null),
        () => `${ended.size} have ended`,
      );
      for (const { status } of ended.values()) assert.is(status, 1);
      const living = runs.filter(({ pid }) => !ended.has(pid));
      assert.is(living.length, 1);
      await until(
        LIMIT_MS,
        async () => lstat(join(dir, 'socket')).catch(() => null),
        () => 'no socket',
      );
      for (const { pid, end } of living) {
        process.kill(pid, round === 0 ? 'SIGKILL' : 'SIGTERM');
        assert.is((await end).status, round === 0 ? null : 0);
      }
    }
  });
});

test('nobody but root connects, also when everyone may pass through the directory and the umask is 0', async () => {
  await withDaemon({}, async (daemon) => {
    const { root, address } = daemon;
    await daemon.stop();
    const umask = process.umask(0);
    try {
      await daemon.start();
    } finally {
      process.umask(umask);
    }
    await chmod(root, 0o755);
    for (const socket of [address, join(root, 'admin.sock')]) {
      assert.is((await stat(socket)).mode & 0o777, 0o600);
      assert.is(await connectAs({ uid: NOBODY, gid: NOBODY }, socket), 'EACCES');
    }
    assert.is((await stat(join(root, 'state'))).mode & 0o777, 0o700);
    assert.is((await stat(join(root, 'state', 'volumes'))).mode & 0o777, 0o700);
  });
});

test('socket_group lets its members connect, to that socket alone', async () => {
  await withScratch(async (dir) => {
    await chmod(dir, 0o755);
    const address = join(dir, 'run', 'socket');
    const daemon = run('--config', await configIn(dir, { address, socket_mode: '0660', socket_group: String(GROUP) }));
    try {
      await until(
        LIMIT_MS,
        async () => lstat(address).catch(() => null),
        () => 'no socket',
      );
      assert.is(await connectAs({ uid: NOBODY, gid: GROUP }, address), 'connected');
      assert.is(await connectAs({ uid: NOBODY, gid: NOBODY }, address), 'EACCES');
      assert.is(await connectAs({ uid: NOBODY, gid: GROUP }, join(dir, 'run', 'socket-admin.sock')), 'EACCES');
    } finally {
      daemon.stop();
      assert.is((await daemon.end).status, 0);
    }
  });
});

test('a core dump of the daemon would hold none of its memory', async () => {
  await withDaemon({}, async ({ pid }) => {
    assert.match(await readFile(`/proc/${pid}/coredump_filter`, 'utf8'), /^0+\n$/);
  });
});

for (const [what, spoil, found] of [
  [
    'its configuration is written by a group',
    (dir: string) => chmod(join(dir, 'config.toml'), 0o664),
    'config.toml: Cannot read the configuration file: its group may write to it (mode 664)',
  ],
  [
    'its configuration belongs to somebody else',
    (dir: string) => chown(join(dir, 'config.toml'), NOBODY, 0),
    `config.toml: Cannot read the configuration file: it belongs to user ${NOBODY}`,
  ],
  [
    'anyone may put another root_path in the place of its own',
    (dir: string) => chmod(join(dir, 'below'), 0o777),
    'below and put another in its place',
  ],
  [
    'its root_path is written by a group',
    (dir: string) => chmod(join(dir, 'below', 'state'), 0o770),
    'its group may write',
  ],
  [
    'its root_path is written by anyone',
    (dir: string) => chmod(join(dir, 'below', 'state'), 0o777),
    'anyone may write to it',
  ],
  [
    'its root_path belongs to somebody else',
    (dir: string) => chown(join(dir, 'below', 'state'), NOBODY, 0),
    `it belongs to user ${NOBODY}`,
  ],
  [
    'anyone may put a socket in the place of its own',
    (dir: string) => chmod(join(dir, 'run'), 0o777),
    'run and put another in its place',
  ],
  [
    'a file has the path of its socket',
    (dir: string) => writeFile(join(dir, 'run', 's'), ''),
    'something that is not a socket',
  ],
] as const) {
  test(`the daemon refuses to start when ${what}`, async () => {
    await withScratch(async (dir) => {
      await mkdir(join(dir, 'below', 'state'), { recursive: true, mode: 0o700 });
      await mkdir(join(dir, 'run'), { mode: 0o700 });
      const places = { root_path: join(dir, 'below', 'state'), address: join(dir, 'run', 's') };
      const file = await configIn(dir, places);
      await spoil(dir);
      const { status, output } = await run('--config', file).end;
      assert.is(status, 1);
      assert.ok(output.includes(found), output);
    });
  });
}

test.run();
