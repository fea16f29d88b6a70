// The unit for systemd, run by a real one: a start is over when the daemon serves, what ends it by a crash is started again and finds
// no tool of the last life, and what refuses to start is not asked for ever.
// vm: plain pool

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PACKAGE_ROOT } from '../../src/main/package-root.ts';
import { TOOL_SEARCH_PATH } from '../../src/shared/tools.ts';
import { removeAll } from '../support/clearing.ts';
import { type ConfigTable, writeConfig } from '../support/daemon.ts';
import { codeOf, GrpcClient, isServing } from '../support/grpc-client.ts';
import { LOST } from '../support/kills/victim.ts';
import { SnapshotsClient } from '../support/snapshots-client.ts';
import { until } from '../support/until.ts';
import { thinPoolConfig } from './support/daemon.ts';
import { installInto } from './support/install.ts';
import { tidy } from './support/leftovers.ts';
import { shell } from './support/shell.ts';
import { UserSystemd } from './support/user-systemd.ts';

const UNIT = 'thinsnapd.service';
/** Where the unit looks for the program and for its configuration. */
const [PROGRAMS, CONFIGURATION] = ['/usr/local/bin', '/etc/thinsnap'];
/** For a start in an emulated machine, and for five of them. */
const AGAIN_LIMIT_MS = 300_000;
/** The seconds of a sleep: no other process has so many. */
const HUNG = '123456';

const tests = suite('systemd');
let dir: string;
let address: string;
let systemd: UserSystemd;

tests.before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'thinsnap-test-'));
  address = join(dir, 'thinsnap.sock');
  await mkdir(CONFIGURATION, { recursive: true });
  await configure({});
  await installInto(PROGRAMS);
  systemd = await UserSystemd.start();
  // Starts take longer here than anywhere else: five within a minute are too many to ask for.
  const dropIn = `[Unit]
StartLimitIntervalSec=600
[Service]
Environment=THINSNAP_TOOL_PATH=${dir}:${TOOL_SEARCH_PATH}
`;
  await systemd.install(join(PACKAGE_ROOT, 'contrib', UNIT), dropIn);
});
tests.after(async () => {
  await systemd.stop();
  await tidy();
  for (const path of [dir, CONFIGURATION]) await rm(path, { recursive: true });
});

async function configure(more: ConfigTable): Promise<void> {
  await writeConfig(CONFIGURATION, { ...thinPoolConfig('ioctl'), root_path: join(dir, 'state'), address, ...more });
}

/** One connection of its own, for one life. */
async function withClient<T>(action: (client: SnapshotsClient) => Promise<T>): Promise<T> {
  const client = new SnapshotsClient(new GrpcClient(address, { channels: 'own' }));
  try {
    return await action(client);
  } finally {
    client.close();
  }
}

function serves(): Promise<boolean> {
  return withClient((client) => isServing(client.grpc));
}

function keys(): Promise<readonly string[]> {
  return withClient(async (client) => (await client.list()).map(({ name }) => name));
}

async function mainPid(): Promise<number> {
  return Number(await systemd.property(UNIT, 'MainPID'));
}

/** Ends the daemon, and waits until the next one serves. */
async function crash(signal: NodeJS.Signals): Promise<void> {
  const [pid, beganMs] = [await mainPid(), performance.now()];
  process.kill(pid, signal);
  const look = async (): Promise<true | null> => ((await mainPid()) !== pid && (await serves()) ? true : null);
  await until(AGAIN_LIMIT_MS, look, () => `it does not serve again after ${signal}`);
  process.stdout.write(`after ${signal} it served again in ${Math.round(performance.now() - beganMs)} ms\n`);
}

tests('a start is over when the daemon serves', async () => {
  await systemd.ctl('start', UNIT);
  assert.ok(await serves());
});

tests('a daemon that aborts is started again, and has what it had', async () => {
  await withClient((client) => client.prepare('kept', ''));
  await crash('SIGABRT');
  assert.equal(await keys(), ['kept']);
  assert.is(await systemd.property(UNIT, 'NRestarts'), '1');
});

tests('a tool that outlives a killed daemon is gone when the next one serves', async () => {
  await writeFile(join(dir, 'mkfs.ext2'), `#!/bin/sh\nexec sleep ${HUNG}\n`, { mode: 0o755 });
  const hung = (): Promise<string> => shell('sh', '-c', `pgrep -f '^sleep ${HUNG}$' || true`);
  await withClient(async (client) => {
    const labels = { 'containerd.io/snapshot/devmapper/fstype': 'ext2' };
    const answer = codeOf(client.prepare('cut short', '', labels));
    await until(
      AGAIN_LIMIT_MS,
      async () => (await hung()) || null,
      () => 'mkfs was not run',
    );
    await crash('SIGKILL');
    assert.ok(LOST.has(await answer));
  });
  assert.is(await hung(), '');
  await rm(join(dir, 'mkfs.ext2'));
  assert.equal(await keys(), ['kept']);
});

tests('a stop is a success, and a start finds what was there', async () => {
  await systemd.ctl('stop', UNIT);
  assert.is(await systemd.property(UNIT, 'Result'), 'success');
  assert.is(await systemd.property(UNIT, 'ActiveState'), 'inactive');
  await systemd.ctl('start', UNIT);
  assert.equal(await keys(), ['kept']);
  await withClient(removeAll);
  await systemd.ctl('stop', UNIT);
});

tests('what refuses to start is not asked for ever', async () => {
  await configure({ no_such_key: 1 });
  await systemd.ctl('start', UNIT).catch(() => '');
  const look = async (): Promise<true | null> =>
    (await systemd.property(UNIT, 'SubState')) === 'failed' ? true : null;
  await until(AGAIN_LIMIT_MS, look, () => 'it is started again and again');
  assert.is(await systemd.property(UNIT, 'NRestarts'), '5');
});

tests.run();
