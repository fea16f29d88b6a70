// A pool that runs out of data space or of metadata space under the daemon: new snapshots are refused before it is full, every
// other call is answered while it is, nothing is acknowledged that may be lost, and removals alone bring it back.
//
// THINSNAP_SPACE_ROUNDS: how often metadata is used up and given back; 3 unless it says otherwise.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open as openFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MIB } from '../../src/shared/units.ts';
import { chooseEngine } from '../../src/workers/devmapper/choose-engine.ts';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { codeOf, failureOf } from '../support/grpc-client.ts';
import { withMounted } from '../support/mounting.ts';
import { problemsOf } from '../support/own-words.ts';
import { until } from '../support/until.ts';
import { withTimeout } from '../support/with-timeout.ts';
import { thinPoolConfig } from './support/daemon.ts';
import { clearDevices, makePool, POOL, removePool, setWhenFull, type WhenFull } from './support/pool.ts';
import { BLOCK_BYTES, poolLine, untilMode } from './support/pool-line.ts';
import { shell } from './support/shell.ts';
import { stuckThreads } from './support/stuck-threads.ts';

const { THINSNAP_SPACE_ROUNDS: rounds = '3' } = process.env;
const SIZE = { metadataMib: 2, dataMib: 160 };
/** Of the 2 MiB of metadata three quarters, so that a sample is refused after a hundred snapshots. */
const RESERVE = '1536KB';
const DEFAULT_RESERVE = '10%';
/** Far from those that the daemon gives out. */
const FOREIGN_ID = 1_000_000;
const VICTIM_MIB = 24;
/** Where an empty file system has nothing yet. */
const WRITTEN_AT = 48 * MIB;
const TEST_LIMIT_MS = 120_000;
/** The daemon looks every 5 s. */
const SEEN_LIMIT_MS = 20_000;
const NO_SPACE_TIMEOUT = '/sys/module/dm_thin_pool/parameters/no_space_timeout';
const SHORT_PATIENCE_S = '3';
/** Longer than a slow machine takes for all the calls. */
const LONG_PATIENCE_S = '300';
const CALL_LIMIT_MS = 15_000;
const AT_ONCE = 8;

const tests = suite('full pools');
let daemon: Daemon;
let mountRoot = '';

/** Writes past the page cache, so that what is written is in the pool. */
function fill(path: string, mib: number): ChildProcess {
  const out = ['if=/dev/zero', `of=${path}`, 'bs=1M', `count=${mib}`, 'oflag=direct'];
  return spawn('dd', out, { stdio: 'ignore' });
}

async function filled(path: string, mib: number): Promise<void> {
  const [status] = await once(fill(path, mib), 'exit');
  assert.is(status, 0, `${path} could be written`);
}

async function suspendedDevices(): Promise<readonly string[]> {
  const lines = (await shell('dmsetup', 'info', '-c', '--noheadings', '-o', 'name,suspended')).split('\n');
  return lines.filter((line) => /:Suspended$/i.test(line));
}

async function untilRefused(what: string): Promise<void> {
  const details = await until(
    SEEN_LIMIT_MS,
    async () => {
      const failure = await failureOf(daemon.client.prepare('refused', 'layer')).catch(() => null);
      if (failure === null) await daemon.client.remove('refused');
      return failure;
    },
    () => 'a new snapshot is not refused',
  );
  assert.is(details.name, 'RESOURCE_EXHAUSTED');
  assert.match(
    details.details,
    new RegExp(`: [0-9.]+[KM]?i?B of [0-9.]+MiB of ${what} space are free, and min_free_space keeps 1.5MiB`),
  );
}

async function begin(reserve: string): Promise<void> {
  await makePool(SIZE);
  daemon = await startDaemon({
    config: { ...thinPoolConfig('ioctl'), pool_name: POOL, min_free_space: reserve, standby_per_parent: 0 },
  });
  mountRoot = join(daemon.root, 'mnt');
  await mkdir(mountRoot);
  const { client } = daemon;
  await client.prepare('first');
  await client.commit('layer', 'first');
}

// A test, for uvu says nothing of what a hook throws.
tests('the daemon starts', () => begin(RESERVE));
tests.after(async () => {
  await daemon.remove();
  await clearDevices();
  await removePool(SIZE);
});

/** Every call while there is no space at all. */
async function callsWhileFull(): Promise<Record<string, string>> {
  const { client } = daemon;
  const calls: Record<string, () => Promise<unknown>> = {
    prepare: () => client.prepare('new', 'layer'),
    view: () => client.view('view', 'layer'),
    commitClosed: () => client.commit('of closed', 'closed'),
    commitOpen: () => client.commit('of open', 'open'),
    list: () => client.list(),
    stat: () => client.stat('open'),
    usage: () => client.usage('open'),
    mounts: () => client.mounts('closed'),
    update: () => client.update({ name: 'closed', labels: { changed: 'while full' } }),
    cleanup: () => client.cleanup(),
    removeView: () => client.remove('view'),
  };
  const codes: Record<string, string> = {};
  for (const [name, call] of Object.entries(calls)) {
    codes[name] = await withTimeout(codeOf(call()), CALL_LIMIT_MS, `${name} on a full pool`);
  }
  return codes;
}

const WHILE_FULL = {
  prepare: 'RESOURCE_EXHAUSTED',
  view: 'OK',
  commitClosed: 'RESOURCE_EXHAUSTED',
  commitOpen: 'RESOURCE_EXHAUSTED',
  list: 'OK',
  stat: 'OK',
  usage: 'OK',
  mounts: 'OK',
  update: 'OK',
  cleanup: 'OK',
  removeView: 'OK',
};

interface Way {
  readonly title: string;
  readonly whenFull: WhenFull;
  /** Whether writers get an error: at once, only when the kernel has them wait no longer, or not at all. */
  readonly fails: 'at once' | 'late' | 'never';
}

const WAYS: readonly Way[] = [
  { title: 'fails writes', whenFull: 'error', fails: 'at once' },
  { title: 'has writers wait', whenFull: 'queue', fails: 'never' },
  { title: 'has writers wait for as long as the kernel lets them', whenFull: 'queue', fails: 'late' },
];

/** For how long the kernel has writers wait; 60 s unless somebody says otherwise (thin-provisioning.rst). */
async function setPatience(seconds: string): Promise<string> {
  const before = (await readFile(NO_SPACE_TIMEOUT, 'utf8')).trim();
  await writeFile(NO_SPACE_TIMEOUT, seconds);
  return before;
}

async function fillAndEmpty({ whenFull, fails }: Way): Promise<void> {
  const { client } = daemon;
  await setWhenFull(SIZE, whenFull);
  const victim = await client.prepare('victim', 'layer');
  await withMounted(mountRoot, victim, (dir) => filled(join(dir, 'big'), VICTIM_MIB));
  const closed = await client.prepare('closed', 'layer');
  await withMounted(mountRoot, closed, (dir) => writeFile(join(dir, 'small'), 'small'));
  const open = await client.prepare('open', 'layer');
  const container = await client.prepare('container', 'layer');
  await withMounted(mountRoot, open, async (openDir) => {
    await withMounted(mountRoot, container, async (dir) => {
      const { freeBytes } = await poolLine();
      await filled(join(dir, 'most'), Math.floor(freeBytes / MIB) - 1);
      await untilRefused('data');
      assert.ok((await problemsOf(daemon)).includes('data-short'));
      const writer = fill(join(dir, 'rest'), VICTIM_MIB / 2);
      const written = once(writer, 'exit');
      await untilMode('out_of_data_space', SEEN_LIMIT_MS);
      // In the page cache, and with nowhere to go.
      await writeFile(join(openDir, 'small'), Buffer.alloc(MIB));
      if (fails === 'late') await assertFailed(written);
      assert.equal(await callsWhileFull(), WHILE_FULL);
      await until(
        SEEN_LIMIT_MS,
        async () => (await problemsOf(daemon)).find((code) => code === 'pool-full') ?? null,
        () => 'no problem pool-full',
      );
      assert.equal([await stuckThreads(daemon.pid), await suspendedDevices()], [[], []]);
      await client.remove('victim');
      await untilMode('rw', SEEN_LIMIT_MS);
      const [status] = await withTimeout(written, SEEN_LIMIT_MS, 'the writer');
      assert.is(status === 0, fails === 'never', `the writer ended with ${status}`);
      assert.is(await codeOf(client.prepare('after', 'layer')), 'OK');
      // Of what failed, the daemon cannot know what it was, and a later one is told; of what waited, nothing was lost.
      await daemon.kill();
      await daemon.start();
      const code = await codeOf(daemon.client.commit('of open', 'open'));
      assert.is(code, fails === 'never' ? 'OK' : 'FAILED_PRECONDITION');
    });
  });
  const { client: later } = daemon;
  if (fails === 'never') {
    await withMounted(mountRoot, await later.view('look', 'of open'), async (dir) => {
      assert.ok(Buffer.alloc(MIB).equals(await readFile(join(dir, 'small'))));
    });
  }
  for (const key of ['look', 'of open', 'open', 'closed', 'container', 'after'])
    await later.remove(key).catch(() => undefined);
  await later.cleanup();
  assert.equal(
    (await later.list()).map(({ name }) => name),
    ['layer'],
  );
}

/** While the pool is as full as it was: nobody has made room. */
async function assertFailed(written: Promise<unknown[]>): Promise<void> {
  const [status] = await withTimeout(written, SEEN_LIMIT_MS, 'a writer that waits too long');
  assert.is.not(status, 0);
  const { mode, whenFull } = await poolLine();
  assert.equal([mode, whenFull], ['out_of_data_space', 'error_if_no_space']);
}

for (const way of WAYS) {
  tests(
    `a container fills a pool that ${way.title}: refused before it is full, answered while it is, and back by removals`,
    async () => {
      const before = await setPatience(way.fails === 'late' ? SHORT_PATIENCE_S : LONG_PATIENCE_S);
      try {
        await withTimeout(fillAndEmpty(way), TEST_LIMIT_MS, way.title);
      } finally {
        await setPatience(before);
      }
    },
  );
}

/** One that has blocks of its own, as that of each container: what is shared takes hardly any metadata. */
async function writtenTo(key: string): Promise<void> {
  const [mount] = await daemon.client.prepare(key, 'layer');
  const device = await openFile(mount?.source ?? '', 'r+');
  try {
    await device.write(Buffer.alloc(BLOCK_BYTES), 0, BLOCK_BYTES, WRITTEN_AT);
    await device.sync();
  } finally {
    await device.close();
  }
}

/** Answers how many could be made. */
async function prepareUntilRefused(reserve: string): Promise<number> {
  const { client } = daemon;
  let made = 0;
  let refused = '';
  const one = async (): Promise<void> => {
    while (refused === '') {
      const key = `m${made}`;
      made += 1;
      const failure = await failureOf(writtenTo(key)).catch(() => null);
      if (failure === null) continue;
      assert.is(failure.name, 'RESOURCE_EXHAUSTED');
      refused = failure.details;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  assert.match(refused, new RegExp(`of 2MiB of metadata space are free, and min_free_space keeps ${reserve}`));
  return (await client.list()).length - 1;
}

async function removeAllButLayer(): Promise<void> {
  const { client } = daemon;
  const keys = (await client.list()).map(({ name }) => name).filter((name) => name !== 'layer');
  while (keys.length > 0) await Promise.all(keys.splice(0, AT_ONCE).map((key) => client.remove(key)));
  await client.cleanup();
}

tests('metadata is used up to the reserve and never beyond, and removals give it back', async () => {
  const before = (await poolLine()).usedMetadata;
  let most = 0;
  for (let round = 0; round < Number(rounds); round += 1) {
    const made = await prepareUntilRefused('1.5MiB');
    assert.is((await poolLine()).mode, 'rw');
    assert.ok((await problemsOf(daemon)).includes('metadata-short'));
    most = Math.max(most, made);
    // Those that are under way when one is refused may be made or not.
    assert.ok(made >= (most - AT_ONCE) * 0.9, `${made} could be made, and ${most} before`);
    await removeAllButLayer();
    assert.ok((await poolLine()).usedMetadata <= before + 4);
  }
});

tests('what came to be short, and was again enough, is in the log', () => {
  const short = 'is short: new snapshots are refused';
  // The daemon looks every few seconds: what lies between two looks it may not see.
  assert.match(daemon.log, `"data space ${short}`);
  assert.match(daemon.log, '"data space is no longer low');
  // Of metadata the reserve is so much that it is never more than low.
  assert.match(daemon.log, `metadata space ${short}`);
  assert.match(daemon.log, 'metadata space is low: nothing is made ahead');
});

/** Thin devices of somebody else's, until no more than that many blocks of metadata are free. */
async function crowd(freeBlocks: number): Promise<void> {
  const { engine } = await chooseEngine('ioctl');
  let id = FOREIGN_ID;
  for (;;) {
    const { usedMetadata, totalMetadata } = await poolLine();
    const missing = totalMetadata - usedMetadata - freeBlocks;
    if (missing <= 0) return;
    // One takes a block, and some a second one.
    for (const end = id + Math.ceil(missing / 2); id < end; id += 1) await engine.message(POOL, `create_thin ${id}`);
  }
}

tests('as many at once as there are clients do not use up what the default keeps of metadata', async () => {
  await daemon.remove();
  await clearDevices();
  await begin(DEFAULT_RESERVE);
  const { totalMetadata } = await poolLine();
  await crowd(totalMetadata * 0.2);
  const made = await prepareUntilRefused('204.8KiB');
  const { mode, usedMetadata } = await poolLine();
  const free = totalMetadata - usedMetadata;
  process.stdout.write(`metadata at the default reserve: ${made} made, ${free} of ${totalMetadata} blocks are left\n`);
  assert.is(mode, 'rw');
  assert.ok((await problemsOf(daemon)).includes('metadata-short'));
  await removeAllButLayer();
  assert.is(await codeOf(daemon.client.prepare('after', 'layer')), 'OK');
});

tests.run();
