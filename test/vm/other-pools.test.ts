// A pool that is not the one that the catalog was written for: recreated, swapped, gone, renamed, or with another transaction
// id; and one that is, and has grown. Nothing is written to one that is not ours, stopped or running.

import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { failureOf } from '../support/grpc-client.ts';
import { thinPoolConfig } from './support/daemon.ts';
import { clearDevices, create, makePool, openPool, POOL, removePool } from './support/pool.ts';
import { shell } from './support/shell.ts';

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

const tests = suite('other pools');
let daemon: Daemon;

/** Where ours was: one with the same name and the same thin ids, which somebody else made. */
async function comeOther(): Promise<void> {
  await clearDevices();
  await create(OTHER_METADATA, `0 ${SECTORS} linear /dev/vdb ${METADATA_OFFSET}`);
  await create(OTHER_DATA, `0 ${DATA_SECTORS} linear /dev/vda ${DATA_OFFSET}`);
  await shell('dd', 'if=/dev/zero', `of=/dev/mapper/${OTHER_METADATA}`, 'bs=4096', 'count=1', 'conv=fsync');
  const paths = `/dev/mapper/${OTHER_METADATA} /dev/mapper/${OTHER_DATA}`;
  await create(POOL, `0 ${DATA_SECTORS} thin-pool ${paths} 128 0 1 error_if_no_space`);
  for (let id = 1; id <= IDS; id += 1) await shell('dmsetup', 'message', POOL, '0', 'create_thin', String(id));
}

async function holdings(): Promise<string> {
  await shell('dmsetup', 'message', POOL, '0', 'reserve_metadata_snap');
  try {
    return await shell('thin_ls', '-m', `/dev/mapper/${OTHER_METADATA}`);
  } finally {
    await shell('dmsetup', 'message', POOL, '0', 'release_metadata_snap');
  }
}

async function transactionId(): Promise<number> {
  return Number((await shell('dmsetup', 'status', POOL)).split(' ')[3]);
}

/** The end of its log, where it says why. */
async function refusal(): Promise<string> {
  const outcome = await daemon.start().then(
    () => 'it serves',
    (error: unknown) => String(error),
  );
  await daemon.forget();
  return outcome;
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

tests(
  'a pool that came in the place of ours while the daemon runs is refused, and nothing is asked of it',
  async () => {
    const { client } = daemon;
    await comeOther();
    const before = await holdings();
    const calls = [
      () => client.prepare('child', 'layer'),
      () => client.view('view', 'layer'),
      () => client.prepare('empty'),
    ];
    for (const call of calls) {
      const failure = await failureOf(call());
      assert.is(failure.name, 'FAILED_PRECONDITION');
      assert.match(failure.details, /another has come in its place: its transaction id is 0 and must be \d+/);
    }
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
    await refusal(),
    /it is not the one that the catalog was written for: its transaction id is 0 and must be/,
  );
  assert.is(await holdings(), before);
});

tests('a pool that is gone or renamed is refused, and found again under its name', async () => {
  await clearDevices();
  assert.match(await refusal(), /there is no \/dev\/mapper\/thinsnap-test-pool/);
  await openPool();
  await shell('dmsetup', 'rename', POOL, RENAMED);
  assert.match(await refusal(), /there is no \/dev\/mapper\/thinsnap-test-pool/);
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
    assert.match(await refusal(), new RegExp(`its transaction id is ${tag + by} and must be ${tag}`));
    await shell('dmsetup', 'message', POOL, '0', 'set_transaction_id', String(tag + by), String(tag));
    await daemon.start();
    await daemon.stop();
  });
}

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
  assert.match(await refusal(), /its transaction id is 0 and must be/);
  assert.is(await transactionId(), 0);
});

tests.run();
