// A pool whose metadata can no longer be written answers its messages all the same. Whatever the daemon acknowledged is
// there once the pool has been brought back; whatever it did not acknowledge is whole or absent, and can be asked for again.
// Meanwhile nothing new is taken, and status says why.
//
// THINSNAP_SILENT_CASES: how many of the cases in which the message is nobody's call, or in which there is none; or all.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Kind } from '../../src/main/rpc/gen/containerd/services/snapshots/v1/snapshots_pb.ts';
import { PIPE, runOn, at as within } from '../main/cli/support.ts';
import { removeAll } from '../support/clearing.ts';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { codeOf } from '../support/grpc-client.ts';
import { withMounted } from '../support/mounting.ts';
import { drawn } from '../support/random.ts';
import type { SnapshotsClient } from '../support/snapshots-client.ts';
import { until } from '../support/until.ts';
import { withTimeout } from '../support/with-timeout.ts';
import { thinPoolConfig } from './support/daemon.ts';
import { heldIds } from './support/held-ids.ts';
import { clearDevices, failMetadataWrites, makePool, openPool, POOL, removePool } from './support/pool.ts';

const { THINSNAP_SILENT_CASES: casesWanted = '1', THINSNAP_TEST_PATIENCE: patience = '1' } = process.env;
const MAX_SIZE_LABEL = 'containerd.io/snapshot/max-size';
const TEST_LIMIT_MS = 240_000 * Number(patience);
/** Long enough for the metadata to begin to fail in the middle of a task. */
const DELAY_MS = 3_000;
/** Until the daemon has tried what nobody waits for, and has seen what became of the pool. */
const SEEN_LIMIT_MS = 60_000;
const BATCH = Array.from({ length: 6 }, (_, index) => `batch-${index}`);
const HOT = ['hot-0', 'hot-1'];

interface Case {
  readonly title: string;
  /** What the call comes to must not be acknowledged: a message of it is answered before its commit fails. */
  readonly refused: boolean;
  readonly plan: string;
  /** Since when the metadata fails; `amid` is in the middle of the call. */
  readonly fails: 'before the call' | 'amid';
  /** What is made in the same life, while all is well. */
  readonly first: (client: SnapshotsClient) => Promise<unknown>;
  readonly call: (client: SnapshotsClient) => Promise<unknown>;
  /** What is there when it was done. */
  readonly made: string | null;
  /** What it answers when it is asked again after it was acknowledged. */
  readonly again: 'ALREADY_EXISTS' | 'NOT_FOUND' | 'OK';
  /** What is mounted meanwhile. */
  readonly open: string | null;
  /** What the daemon says of work that nobody waits for. */
  readonly told: RegExp | null;
  /** How many stand ready of a parent. */
  readonly standby: number;
}

const nothing = async (): Promise<void> => undefined;
const USUAL = {
  refused: false,
  plan: '',
  fails: 'before the call',
  first: nothing,
  again: 'ALREADY_EXISTS',
  open: null,
  told: null,
  standby: 0,
} as const satisfies Partial<Case>;

const at = (point: string): string => `${point}=1*delay(${DELAY_MS})`;
/** Each between other powers of two, so that each has a base made. */
const base =
  (key: string, sizeBytes: number) =>
  (client: SnapshotsClient): Promise<unknown> =>
    client.prepare(key, '', { [MAX_SIZE_LABEL]: String(sizeBytes) });
const prepareAll =
  (keys: readonly string[]) =>
  async (client: SnapshotsClient): Promise<void> => {
    for (const key of keys) await client.prepare(key, 'layer');
  };

const CALLS: readonly Case[] = [
  { ...USUAL, title: 'Prepare', refused: true, call: (client) => client.prepare('child', 'layer'), made: 'child' },
  {
    ...USUAL,
    title: 'Prepare, once its message was answered',
    plan: at('create-snap.sent'),
    fails: 'amid',
    call: (client) => client.prepare('late', 'layer'),
    made: 'late',
  },
  { ...USUAL, title: 'Prepare of a new base', refused: true, call: base('fresh', 90_000_000), made: 'fresh' },
  {
    ...USUAL,
    title: 'Prepare of a new base, once it was formatted',
    refused: true,
    plan: at('create-base.formatted'),
    fails: 'amid',
    call: base('other', 200_000_000),
    made: 'other',
  },
  { ...USUAL, title: 'Commit', call: (client) => client.commit('done', 'written'), made: 'done', again: 'NOT_FOUND' },
  {
    ...USUAL,
    title: 'Commit of an open one',
    refused: true,
    call: (client) => client.commit('copy', 'open'),
    made: 'copy',
    open: 'open',
  },
  { ...USUAL, title: 'Remove', call: (client) => client.remove('gone'), made: null, again: 'NOT_FOUND' },
];

const OTHERS: readonly Case[] = [
  { ...USUAL, title: 'View', call: (client) => client.view('sight', 'layer'), made: 'sight' },
  {
    ...USUAL,
    title: 'a deletion in a batch',
    plan: `delete.sent=2*delay(${DELAY_MS})`,
    fails: 'amid',
    first: prepareAll(BATCH),
    call: (client) => Promise.all(BATCH.map((key) => client.remove(key))),
    made: null,
    again: 'NOT_FOUND',
    told: /cannot clean up a device yet/,
  },
  {
    ...USUAL,
    title: 'one that is made ahead',
    // Two are asked for, and then the first is made that nobody asked for.
    plan: `make.intended=2*off->1*delay(${2 * DELAY_MS})`,
    first: prepareAll(HOT),
    call: nothing,
    made: null,
    again: 'OK',
    told: /cannot make a snapshot ahead/,
    standby: 1,
  },
  {
    ...USUAL,
    title: 'thinsnap check',
    call: async () => assert.not.match((await thinsnap('check')).out, /^(?:missing|unknown|stray) /m),
    made: null,
    again: 'OK',
  },
  {
    ...USUAL,
    title: 'the comparison after an unclean stop',
    // The start itself has a message too, which test/vm/silent-starts has fail.
    plan: at('task.poolThinIds.begun'),
    call: nothing,
    made: null,
    again: 'OK',
    told: /cannot hold records against storage and kernel/,
  },
];

const tests = suite('commits that fail in silence');
let daemon: Daemon;
let mountRoot = '';

tests.before(async () => {
  await makePool();
  daemon = await startDaemon({
    config: { ...thinPoolConfig('ioctl'), pool_name: POOL, base_image_size: '64MB', standby_per_parent: 0 },
  });
  mountRoot = join(daemon.root, 'mnt');
  await mkdir(mountRoot);
  const { client } = daemon;
  await client.prepare('first');
  await client.commit('layer', 'first');
  for (const key of ['written', 'open', 'gone']) await client.prepare(key, 'layer');
  await withMounted(mountRoot, await client.mounts('written'), async () => undefined);
});
tests.after(async () => {
  await daemon.remove();
  await clearDevices();
  await removePool();
});

function thinsnap(...args: readonly string[]): ReturnType<typeof runOn> {
  return runOn(PIPE, ...args, '--config', join(daemon.root, 'config.toml'));
}

async function setStandby(perParent: number): Promise<void> {
  const path = join(daemon.root, 'config.toml');
  const text = await readFile(path, 'utf8');
  await writeFile(path, text.replace(/^standby_per_parent = \d+$/m, `standby_per_parent = ${perParent}`));
}

/** A life that ends as the pool's metadata fail; what was acknowledged in it. */
async function disturbed(each: Case, loggedBefore: number): Promise<string> {
  const { client } = daemon;
  if (each.fails === 'before the call') await failMetadataWrites();
  const asked = codeOf(each.call(client));
  if (each.fails === 'amid') {
    await sleep(DELAY_MS / 2);
    await failMetadataWrites();
  }
  const code = await asked;
  const { told } = each;
  if (told !== null)
    await until(
      SEEN_LIMIT_MS,
      async () => told.exec(daemon.log.slice(loggedBefore)),
      () => daemon.log,
    );
  await confirmRefusing(`after ${each.title}`);
  await daemon.kill();
  return code;
}

/** It takes nothing more, and says why. */
async function confirmRefusing(key: string): Promise<void> {
  assert.is(await codeOf(daemon.client.prepare(key, 'layer')), 'UNAVAILABLE');
  let problems = '';
  const look = async (): Promise<true | null> => {
    problems = JSON.stringify(within(JSON.parse((await thinsnap('status', '--json')).out), 'problems'));
    return /"pool-(?:read-only|needs-check|failed)"/.test(problems) ? true : null;
  };
  await until(SEEN_LIMIT_MS, look, () => problems);
}

async function tryCase(each: Case): Promise<void> {
  const logged = daemon.log.length;
  if (daemon.runs && each.plan !== '') await daemon.kill();
  if (!daemon.runs) {
    await setStandby(each.standby);
    await daemon.start(each.plan === '' ? {} : { THINSNAP_FAILPOINTS: each.plan });
  }
  await each.first(daemon.client);
  const code =
    each.open === null
      ? await disturbed(each, logged)
      : await withMounted(mountRoot, await daemon.client.mounts(each.open), () => disturbed(each, logged));
  if (each.refused) assert.is(code, 'UNAVAILABLE');
  // As after a repair and a reboot.
  await clearDevices();
  await openPool();
  await setStandby(0);
  await daemon.start();
  const { client } = daemon;
  const names = (await client.list()).map(({ name }) => name);
  for (const name of ['layer', ...(code === 'OK' && each.made !== null ? [each.made] : [])]) {
    assert.ok(names.includes(name), `${name} was acknowledged`);
  }
  assert.not.ok(names.includes(`after ${each.title}`), 'what was refused is not there');
  assert.is(await codeOf(each.call(client)), code === 'OK' ? each.again : 'OK');
  await confirmAgreeing();
}

/** The pool has what the catalog says, and nothing else. */
async function confirmAgreeing(): Promise<void> {
  const { client } = daemon;
  for (const { name, kind } of await client.list()) {
    const mounts = kind === Kind.COMMITTED ? await client.view(`view of ${name}`, name) : await client.mounts(name);
    await withMounted(mountRoot, mounts, async () => undefined);
    if (kind === Kind.COMMITTED) await client.remove(`view of ${name}`);
  }
  const { status, out, error } = await thinsnap('check');
  assert.is(status, 0, `${out}${error}`);
}

for (const each of [...CALLS, ...drawn(OTHERS, casesWanted)]) {
  tests(`${each.title} is not acknowledged unless the pool kept it`, () =>
    withTimeout(tryCase(each), TEST_LIMIT_MS, each.title),
  );
}

tests('the pool holds no id that was lost on the way', async () => {
  await removeAll(daemon.client);
  let seen = '';
  const look = async (): Promise<true | null> => {
    const devices = within(JSON.parse((await thinsnap('status', '--json')).out), 'devices');
    const [ids, total, bases] = [(await heldIds(POOL)).length, within(devices, 'total'), within(devices, 'bases')];
    seen = `${ids} ids, ${String(total)} devices, ${String(bases)} bases`;
    return ids === total && total === bases ? true : null;
  };
  await until(SEEN_LIMIT_MS, look, () => seen);
});

tests.run();
