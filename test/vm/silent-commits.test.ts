// A pool whose metadata can no longer be written answers its messages all the same. Whatever the daemon acknowledged is
// there once the pool has been brought back; whatever it did not acknowledge is whole or absent, and can be asked for again.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Kind } from '../../src/main/rpc/gen/containerd/services/snapshots/v1/snapshots_pb.ts';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { codeOf } from '../support/grpc-client.ts';
import { withMounted } from '../support/mounting.ts';
import type { SnapshotsClient } from '../support/snapshots-client.ts';
import { withTimeout } from '../support/with-timeout.ts';
import { thinPoolConfig } from './support/daemon.ts';
import { clearDevices, failMetadataWrites, makePool, openPool, POOL, removePool } from './support/pool.ts';

const MAX_SIZE_LABEL = 'containerd.io/snapshot/max-size';
const TEST_LIMIT_MS = 240_000;
/** Long enough for the metadata to begin to fail in the middle of a task. */
const DELAY_MS = 3_000;

interface Case {
  readonly title: string;
  /** What the call comes to must not be acknowledged: a message of it is answered before its commit fails. */
  readonly refused: boolean;
  readonly plan: string;
  readonly call: (client: SnapshotsClient) => Promise<unknown>;
  /** What is there when it was done. */
  readonly made: string | null;
  /** What is mounted meanwhile. */
  readonly open: string | null;
}

const at = (point: string): string => `${point}=1*delay(${DELAY_MS})`;
/** Each between other powers of two, so that each has a base made. */
const base =
  (key: string, sizeBytes: number) =>
  (client: SnapshotsClient): Promise<unknown> =>
    client.prepare(key, '', { [MAX_SIZE_LABEL]: String(sizeBytes) });

const CASES: readonly Case[] = [
  {
    title: 'Prepare',
    refused: true,
    plan: '',
    call: (client) => client.prepare('child', 'layer'),
    made: 'child',
    open: null,
  },
  {
    title: 'Prepare, once its message was answered',
    refused: false,
    plan: at('create-snap.sent'),
    call: (client) => client.prepare('late', 'layer'),
    made: 'late',
    open: null,
  },
  {
    title: 'Prepare of a new base',
    refused: true,
    plan: '',
    call: base('fresh', 90_000_000),
    made: 'fresh',
    open: null,
  },
  {
    title: 'Prepare of a new base, once it was formatted',
    refused: true,
    plan: at('create-base.formatted'),
    call: base('other', 200_000_000),
    made: 'other',
    open: null,
  },
  {
    title: 'Commit',
    refused: false,
    plan: '',
    call: (client) => client.commit('done', 'written'),
    made: 'done',
    open: null,
  },
  {
    title: 'Commit of an open one',
    refused: true,
    plan: '',
    call: (client) => client.commit('copy', 'open'),
    made: 'copy',
    open: 'open',
  },
  { title: 'Remove', refused: false, plan: '', call: (client) => client.remove('gone'), made: null, open: null },
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
  await daemon.kill();
});
tests.after(async () => {
  await daemon.remove();
  await clearDevices();
  await removePool();
});

/** The call, with the metadata failing before it or in the middle of it, and then the end of the daemon. */
async function disturbed({ call, plan }: Case): Promise<string> {
  if (plan === '') await failMetadataWrites();
  const asked = codeOf(call(daemon.client));
  if (plan !== '') {
    await sleep(DELAY_MS / 2);
    await failMetadataWrites();
  }
  const code = await asked;
  await daemon.kill();
  return code;
}

/** What it answers to be asked again. */
function again(code: string, { made }: Case): string {
  if (code !== 'OK') return 'OK';
  return made === null ? 'NOT_FOUND' : 'ALREADY_EXISTS';
}

async function tryCase(each: Case): Promise<void> {
  await daemon.start(each.plan === '' ? {} : { THINSNAP_FAILPOINTS: each.plan });
  const code =
    each.open === null
      ? await disturbed(each)
      : await withMounted(mountRoot, await daemon.client.mounts(each.open), () => disturbed(each));
  if (each.refused) assert.is(code, 'UNAVAILABLE');
  // As after a repair and a reboot.
  await clearDevices();
  await openPool();
  await daemon.start();
  const { client } = daemon;
  const names = (await client.list()).map(({ name }) => name);
  for (const name of ['layer', ...(code === 'OK' && each.made !== null ? [each.made] : [])]) {
    assert.ok(names.includes(name), `${name} was acknowledged`);
  }
  assert.is(await codeOf(each.call(client)), again(code, each));
  // The pool has what the catalog says.
  for (const { name, kind } of await client.list()) {
    if (kind !== Kind.ACTIVE && name !== each.made) continue;
    const mounts = kind === Kind.ACTIVE ? await client.mounts(name) : await client.view(`view of ${name}`, name);
    await withMounted(mountRoot, mounts, async () => undefined);
  }
  await daemon.kill();
}

for (const each of CASES) {
  tests(`${each.title} is not acknowledged unless the pool kept it`, () =>
    withTimeout(tryCase(each), TEST_LIMIT_MS, each.title),
  );
}

tests.run();
