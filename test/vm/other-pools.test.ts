// A pool that is not the one that the catalog was written for: recreated, swapped, gone, renamed, or with another transaction
// id, or as it was at an earlier start; and one that is, and has grown. Nothing is written to one that is not ours, stopped or running.
//
// THINSNAP_OTHER_POOLS: how many of the ways to become another are tried under a running daemon, or all.

import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PIPE, runOn } from '../main/cli/support.ts';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { failureOf } from '../support/grpc-client.ts';
import { withMounted } from '../support/mounting.ts';
import { problemsOf } from '../support/own-words.ts';
import { drawn } from '../support/random.ts';
import { until } from '../support/until.ts';
import { refusalOf, thinPoolConfig } from './support/daemon.ts';
import { heldIds } from './support/held-ids.ts';
import {
  clearDevices,
  create,
  makePool,
  openPool,
  POOL,
  removePool,
  restoreMetadata,
  saveMetadata,
  transactionId,
} from './support/pool.ts';
import { shell } from './support/shell.ts';

const { THINSNAP_OTHER_POOLS: waysWanted = '2' } = process.env;
const OUR_METADATA = '/dev/vdb';

const OTHER_METADATA = 'thinsnap-test-other-metadata';
const OTHER_DATA = 'thinsnap-test-other-data';
const RENAMED = 'thinsnap-test-renamed';
/** Beyond what our own pool takes of the disks, in sectors. */
const METADATA_OFFSET = 32 * 2048;
const DATA_OFFSET = 8192 * 2048;
const SECTORS = 16 * 2048;
const DATA_SECTORS = 2048 * 2048;
const GROWN = { metadataMib: 16, dataMib: 4096 };
const IDS = 8;
const WAIT_TRIES = 100;
const WAIT_PAUSE_MS = 100;
const PROBLEMS_LIMIT_MS = 60_000;

const tests = suite('other pools');
let daemon: Daemon;

/** Where ours was: one with the same name and the same thin ids, which somebody else made. */
async function comeOther(): Promise<void> {
  await clearDevices();
  await makeOther();
}

async function makeOther(): Promise<void> {
  await create(OTHER_METADATA, `0 ${SECTORS} linear /dev/vdb ${METADATA_OFFSET}`);
  await create(OTHER_DATA, `0 ${DATA_SECTORS} linear /dev/vda ${DATA_OFFSET}`);
  await shell('dd', 'if=/dev/zero', `of=/dev/mapper/${OTHER_METADATA}`, 'bs=4096', 'count=1', 'conv=fsync');
  const paths = `/dev/mapper/${OTHER_METADATA} /dev/mapper/${OTHER_DATA}`;
  await create(POOL, `0 ${DATA_SECTORS} thin-pool ${paths} 128 0 1 error_if_no_space`);
  for (let id = 1; id <= IDS; id += 1) await shell('dmsetup', 'message', POOL, '0', 'create_thin', String(id));
}

async function removeOther(): Promise<void> {
  for (const name of [POOL, OTHER_METADATA, OTHER_DATA]) await shell('dmsetup', 'remove', name);
}

/** All that the pool of that name knows of its devices. */
async function holdings(metadata = `/dev/mapper/${OTHER_METADATA}`): Promise<string> {
  await shell('dmsetup', 'message', POOL, '0', 'reserve_metadata_snap');
  try {
    return await shell('thin_ls', '-m', metadata);
  } finally {
    await shell('dmsetup', 'message', POOL, '0', 'release_metadata_snap');
  }
}

async function moveTransactionId(by: number): Promise<void> {
  const id = await transactionId();
  await shell('dmsetup', 'message', POOL, '0', 'set_transaction_id', String(id), String(id + by));
}

async function ownBack(): Promise<void> {
  await clearDevices();
  await openPool();
}

/** With the pool's metadata as in that file. */
async function comeBackAs(path: string): Promise<void> {
  await clearDevices();
  await restoreMetadata(path);
  await openPool();
}

/** Every device inactive, as when all containers have ended. */
async function untilResting(): Promise<void> {
  for (let tries = 0; tries < WAIT_TRIES; tries += 1) {
    const names = await shell('dmsetup', 'info', '-c', '--noheadings', '-o', 'name');
    if (!names.includes(`${POOL}-snap-`)) return;
    await sleep(WAIT_PAUSE_MS);
  }
  throw new Error('A device stays active');
}

interface Way {
  readonly title: string;
  readonly come: () => Promise<unknown>;
  readonly told: RegExp;
  /** Where what is in the pool's place by then keeps what it knows; null where that is no pool. */
  readonly metadata: string | null;
  readonly back: () => Promise<unknown>;
}

const OTHER_ID = /another has come in its place: its transaction id is \d+ and must be \d+/;
const NOT_THERE = /it is not there any more/;
const kept = (): string => join(daemon.root, 'kept-metadata');
const WAYS: readonly Way[] = [
  { title: 'is gone', come: clearDevices, told: NOT_THERE, metadata: null, back: openPool },
  {
    title: 'was renamed',
    come: () => shell('dmsetup', 'rename', POOL, RENAMED),
    told: NOT_THERE,
    metadata: null,
    back: () => shell('dmsetup', 'rename', RENAMED, POOL),
  },
  {
    title: 'was made anew on the same disks',
    come: async () => {
      await clearDevices();
      await saveMetadata(kept());
      await makePool();
    },
    told: OTHER_ID,
    metadata: OUR_METADATA,
    back: () => comeBackAs(kept()),
  },
  ...[-1, 1].map((by) => ({
    title: `had its transaction id moved by ${by}`,
    come: () => moveTransactionId(by),
    told: OTHER_ID,
    metadata: OUR_METADATA,
    back: () => moveTransactionId(-by),
  })),
  {
    title: 'has another table',
    come: async () => {
      // No other pool: the kernel refuses to load that into it.
      await shell('dmsetup', 'load', POOL, '--table', `0 ${DATA_SECTORS} error`);
      await shell('dmsetup', 'resume', POOL);
    },
    told: NOT_THERE,
    metadata: null,
    back: ownBack,
  },
];

tests.before(async () => {
  await clearDevices();
  await makePool();
  daemon = await startDaemon({
    config: { ...thinPoolConfig('ioctl'), pool_name: POOL, base_image_size: '64MB', standby_per_parent: 0 },
  });
  await daemon.client.prepare('first');
  await daemon.client.commit('layer', 'first');
  await untilResting();
});
tests.after(async () => {
  await daemon.remove();
  await clearDevices();
  await removePool(GROWN);
});

async function nothingNewIsMade(told: RegExp): Promise<void> {
  const { client } = daemon;
  const calls = [
    () => client.prepare('child', 'layer'),
    () => client.view('view', 'layer'),
    () => client.prepare('empty'),
  ];
  for (const call of calls) {
    const failure = await failureOf(call());
    assert.is(failure.name, 'FAILED_PRECONDITION', failure.details);
    assert.match(failure.details, told);
  }
}

/** Status says so by itself, from the next look on. */
async function untilProblems(codes: readonly string[]): Promise<void> {
  const found = async (): Promise<true | null> => (isDeepStrictEqual(await problemsOf(daemon), codes) ? true : null);
  await until(PROBLEMS_LIMIT_MS, found, () => daemon.log);
}

for (const { title, come, told, metadata, back } of drawn(WAYS, waysWanted)) {
  tests(`a pool that ${title} under a running daemon is refused, and used again once it is back`, async () => {
    const { client } = daemon;
    await come();
    const before = metadata === null ? '' : await holdings(metadata);
    await nothingNewIsMade(told);
    await untilProblems(['space-unknown']);
    if (metadata !== null) assert.is(await holdings(metadata), before);
    await back();
    await untilProblems([]);
    await client.prepare('child', 'layer');
    await client.view('view', 'layer');
    for (const key of ['child', 'view']) await client.remove(key);
    await client.cleanup();
    await untilResting();
  });
}

tests('what is in use when another pool comes in the place of its own is not committed there', async () => {
  const { client } = daemon;
  const mountRoot = join(daemon.root, 'mnt');
  await mkdir(mountRoot);
  await withMounted(mountRoot, await client.prepare('used', 'layer'), async (dir) => {
    await writeFile(join(dir, 'file'), 'of ours');
    await shell('dmsetup', 'rename', POOL, RENAMED);
    await makeOther();
    const failure = await failureOf(client.commit('copy', 'used'));
    assert.is(failure.name, 'FAILED_PRECONDITION', failure.details);
    assert.match(failure.details, OTHER_ID);
  });
  const before = await holdings();
  assert.is((await failureOf(client.commit('copy', 'used'))).name, 'FAILED_PRECONDITION');
  assert.is(await holdings(), before);
  assert.is(before.trim().split('\n').length, 1 + IDS, before);
  await removeOther();
  await shell('dmsetup', 'rename', RENAMED, POOL);
  await client.commit('copy', 'used');
  await withMounted(mountRoot, await client.view('view', 'copy'), async (dir) => {
    assert.is(await readFile(join(dir, 'file'), 'utf8'), 'of ours');
  });
  for (const key of ['view', 'copy']) await client.remove(key);
  await client.cleanup();
  await untilResting();
});

tests(
  'a pool that came in the place of ours while the daemon runs is refused, and nothing is asked of it',
  async () => {
    const { client } = daemon;
    await comeOther();
    const before = await holdings();
    await nothingNewIsMade(/another has come in its place: its transaction id is 0 and must be \d+/);
    await client.remove('layer');
    await client.cleanup();
    assert.is(await holdings(), before);
    // Its own comes back, and all goes on.
    await clearDevices();
    await openPool();
    await client.prepare('first');
    await client.commit('layer', 'first');
    await client.view('view', 'layer');
    await client.remove('view');
    await client.cleanup();
    await untilResting();
    await daemon.stop();
  },
);

tests('a pool that was swapped while the daemon was stopped is refused', async () => {
  await comeOther();
  const before = await holdings();
  assert.match(
    await refusalOf(daemon),
    /it is not the one that the catalog was written for: its transaction id is 0 and must be/,
  );
  assert.is(await holdings(), before);
});

tests('a pool that is gone or renamed is refused, and found again under its name', async () => {
  await clearDevices();
  assert.match(await refusalOf(daemon), /there is no \/dev\/mapper\/thinsnap-test-pool/);
  await openPool();
  await shell('dmsetup', 'rename', POOL, RENAMED);
  assert.match(await refusalOf(daemon), /there is no \/dev\/mapper\/thinsnap-test-pool/);
  await shell('dmsetup', 'rename', RENAMED, POOL);
  await daemon.start();
  await daemon.client.prepare('after renames', 'layer');
  await daemon.client.remove('after renames');
  await daemon.client.cleanup();
  await daemon.stop();
});

for (const by of [-1, 1]) {
  tests(`a pool whose transaction id was moved by ${by} is refused until it is back`, async () => {
    const tag = await transactionId();
    await shell('dmsetup', 'message', POOL, '0', 'set_transaction_id', String(tag), String(tag + by));
    assert.match(await refusalOf(daemon), new RegExp(`its transaction id is ${tag + by} and must be ${tag}`));
    await shell('dmsetup', 'message', POOL, '0', 'set_transaction_id', String(tag + by), String(tag));
    await daemon.start();
    await daemon.stop();
  });
}

/** One life, in which what only the newer copies know comes to be. */
async function liveOn(): Promise<void> {
  await daemon.start();
  await daemon.client.prepare('first since');
  await daemon.client.commit('made since', 'first since');
  await untilResting();
  await daemon.stop();
}

async function forgetLife(): Promise<void> {
  await daemon.start();
  await daemon.client.remove('made since');
  await daemon.client.cleanup();
  await untilResting();
  await daemon.stop();
}

tests('an older copy of the pool is refused, unchanged, and the newer one is used again', async () => {
  const [older, newer] = [join(daemon.root, 'older'), join(daemon.root, 'newer')];
  await clearDevices();
  await saveMetadata(older);
  await openPool();
  await liveOn();
  await clearDevices();
  await saveMetadata(newer);
  await comeBackAs(older);
  const tag = await transactionId();
  assert.match(
    await refusalOf(daemon),
    new RegExp(
      `it is an older copy.*: its transaction id is ${tag} and must be ${tag + 1}, 1 start behind the catalog`,
    ),
  );
  assert.is(await transactionId(), tag);
  await comeBackAs(newer);
  await daemon.start();
  await daemon.client.prepare('child', 'made since');
  await daemon.client.remove('child');
  await daemon.stop();
  await forgetLife();
});

tests(
  'an older copy of the catalog is refused, unchanged, and served after a restore, which deletes nothing',
  async () => {
    const state = join(daemon.root, 'state');
    await shell('cp', '-a', state, `${state}.older`);
    await liveOn();
    await shell('mv', state, `${state}.newer`);
    await shell('mv', `${state}.older`, state);
    const tag = await transactionId();
    const before = await heldIds(POOL);
    const refusal = await refusalOf(daemon);
    assert.match(
      refusal,
      new RegExp(`its transaction id is ${tag} and must be ${tag - 1}, 1 start ahead of the catalog`),
    );
    assert.match(refusal, /"thinsnap catalog restore" with a backup/);
    const config = ['--config', join(daemon.root, 'config.toml')];
    assert.match((await runOn(PIPE, 'check', ...config)).error, /the catalog is an older copy/);
    const backups = join(state, 'backups');
    const [newest = ''] = (await readdir(backups)).toSorted().toReversed();
    assert.is((await runOn(PIPE, 'catalog', 'restore', ...config, join(backups, newest))).status, 0);
    assert.match((await runOn(PIPE, 'check', ...config)).out, /^unknown {2}thin id \d+:/m);
    assert.is(await transactionId(), tag);
    await daemon.start();
    await daemon.client.view('view', 'layer');
    await daemon.client.remove('view');
    assert.is((await failureOf(daemon.client.stat('made since'))).name, 'NOT_FOUND');
    await daemon.client.cleanup();
    await untilResting();
    await daemon.stop();
    assert.is(await transactionId(), tag + 1);
    assert.equal(await heldIds(POOL), before);
    // What has the newer catalog would be two starts behind by now.
    await shell('rm', '-r', `${state}.newer`);
  },
);

tests('a pool that has grown is the same pool', async () => {
  await clearDevices();
  await openPool(GROWN);
  await daemon.start();
  await daemon.client.prepare('after growth', 'layer');
  await daemon.client.remove('after growth');
  await daemon.client.cleanup();
  await daemon.stop();
});

tests('a pool that was made anew on the same disks is refused', async () => {
  await clearDevices();
  await makePool();
  assert.match(await refusalOf(daemon), /its transaction id is 0 and must be/);
  assert.is(await transactionId(), 0);
});

tests.run();
