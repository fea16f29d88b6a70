// A daemon whose disk is full, lets no file grow, or turns read-only, as ext4 does once it meets an error: each call that must write is
// refused with what is to be done, the others are answered, status tells of it, and after a restart on the disk when it is well there
// is what was acknowledged and nothing else, and whatever was refused can be asked for again.
//
// THINSNAP_CATALOG_DISK=all: each of the seven calls is the one that meets the disk, where else one is drawn.

import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { chmod, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BLOCK_FILES, blockFilesLeft } from '../support/block-files.ts';
import { removeAll } from '../support/clearing.ts';
import { type Daemon, makeDaemon } from '../support/daemon.ts';
import {
  cleanup,
  commit,
  type Model,
  prepare,
  remove,
  type Step,
  textOf,
  textOfAll,
  update,
  view,
} from '../support/failpoints/steps.ts';
import { failureOf } from '../support/grpc-client.ts';
import { syncFileSystem } from '../support/mounting.ts';
import { problemsOf } from '../support/own-words.ts';
import { asRootWith } from '../support/requirements.ts';
import { makeSparseFile, withScratch } from '../support/scratch.ts';

const { THINSNAP_CATALOG_DISK: wanted = '' } = process.env;
const DISK_BYTES = 48 * 1024 * 1024;
const WRITE_SIZES = ['1M', '4k'];
const PAGE_BYTES = 4096;
/** Less than any record takes. */
const SLACK_BYTES = 150;
const FILLER_CHARS_MAX = 3000;
const FILLERS_MAX = 10;

interface Refusal {
  readonly code: string;
  readonly says: RegExp;
}

const REFUSED: Refusal = {
  code: 'UNAVAILABLE',
  says: /^Cannot write to the catalog: .*\. Nothing is changed any more; see that its file system has space and is writable, then restart thinsnapd$/,
};

const test = suite('catalog-disk-daemon');
const run = promisify(execFile);

interface Ground {
  readonly daemon: Daemon;
  /** What it was told and has not been refused. */
  readonly model: Model;
  /** Where the disk is mounted: root_path. */
  readonly state: string;
  readonly image: string;
}

interface Trouble {
  readonly title: string;
  readonly begin: (ground: Ground) => Promise<unknown>;
  /** While the daemon runs; null: only an unmount ends it. */
  readonly end: ((ground: Ground) => Promise<unknown>) | null;
  /** What a Commit, which looks at the device first, is refused with; null: as all others. */
  readonly commits: Refusal | null;
}

const TROUBLES: readonly Trouble[] = [
  {
    title: 'is full',
    begin: async (ground) => {
      await dropReserve(ground);
      await fillLastPage(ground);
      // While it stands still: what it writes of a disk that is nearly full would find room.
      process.kill(ground.daemon.pid, 'SIGSTOP');
      try {
        await fillUp(ground);
      } finally {
        process.kill(ground.daemon.pid, 'SIGCONT');
      }
    },
    end: ({ state }) => Promise.all(WRITE_SIZES.map((size) => rm(join(state, size)))),
    commits: { code: 'FAILED_PRECONDITION', says: /^Cannot commit "active": there was no space left while/ },
  },
  {
    title: 'lets no file grow',
    begin: async (ground) => limitFiles(ground, String(await logBytes(ground))),
    end: (ground) => limitFiles(ground, 'unlimited'),
    commits: null,
  },
  // What ext4 does when it meets an error. Nobody can remount what has files open for writing.
  {
    title: 'turns read-only',
    begin: ({ state }) => run('mount', ['-o', 'remount,abort', state]),
    end: null,
    commits: {
      code: 'INTERNAL',
      says: /^Cannot sync .*: EROFS\. Its file system is read-only: see .*, make it writable and restart thinsnapd$/,
    },
  },
];

const BEFORE: readonly Step[] = [
  prepare('first', ''),
  commit('layer', 'first'),
  prepare('active', 'layer'),
  prepare('gone', 'layer'),
  view('kept', 'layer'),
];
/** With nothing to delete it has nothing to write. */
const CLEANUP = cleanup();
const COMMIT = commit('done', 'active');
const STEPS: readonly Step[] = [
  prepare('new', ''),
  prepare('child', 'layer'),
  view('look', 'layer'),
  COMMIT,
  remove('gone'),
  update('layer', { 'a/label': 'new' }),
  CLEANUP,
];

async function take({ daemon, model }: Ground, step: Step): Promise<void> {
  await step.call(daemon.client);
  step.apply(model);
}

function limitFiles({ daemon }: Ground, bytes: string): Promise<unknown> {
  return run('prlimit', ['--pid', String(daemon.pid), `--fsize=${bytes}:`]);
}

/** Of the file that LevelDB appends each record to. */
async function logBytes({ state }: Ground): Promise<number> {
  const [newest = ''] = (await logsOf(state)).sort().reverse();
  return (await stat(newest)).size;
}

async function logsOf(state: string): Promise<string[]> {
  const catalog = join(state, 'catalog');
  return (await readdir(catalog)).filter((name) => name.endsWith('.log')).map((name) => join(catalog, name));
}

/** What is kept for the log lasts for thousands of calls. */
async function dropReserve({ state }: Ground): Promise<void> {
  for (const path of await logsOf(state)) await run('truncate', ['--size', `${(await stat(path)).size}`, path]);
}

/** A full disk still takes what fits in the last page of a file. */
async function fillLastPage(ground: Ground): Promise<void> {
  let chars = 1;
  for (let tries = 0; tries < FILLERS_MAX; tries += 1) {
    const before = await logBytes(ground);
    await take(ground, update('kept', { filler: 'x'.repeat(chars) }));
    const after = await logBytes(ground);
    const left = PAGE_BYTES - (after % PAGE_BYTES);
    if (left < SLACK_BYTES) return;
    const around = after - before - chars;
    chars = Math.min((left + PAGE_BYTES - around - SLACK_BYTES / 2) % PAGE_BYTES, FILLER_CHARS_MAX);
  }
  throw new Error('The last page of the log is never full');
}

async function fillUp({ state }: Ground): Promise<void> {
  // Where ext4 has no room for much, it has some for little.
  for (const size of WRITE_SIZES) {
    await run('dd', ['if=/dev/zero', `of=${join(state, size)}`, `bs=${size}`]).catch(() => undefined);
    await syncFileSystem(state);
  }
}

async function withGround(action: (ground: Ground) => Promise<void>): Promise<void> {
  await withScratch(async (dir) => {
    const image = join(dir, 'disk');
    await makeSparseFile(image, DISK_BYTES);
    await run('mkfs.ext4', ['-q', '-b', String(PAGE_BYTES), image]);
    const daemon = await makeDaemon({ config: { ...BLOCK_FILES, min_free_space: '0', standby_per_parent: 0 } });
    const state = join(daemon.root, 'state');
    try {
      await mkdir(state);
      await mountDisk({ image, state });
      try {
        await action({ daemon, state, image, model: new Map() });
      } finally {
        if (daemon.runs) await daemon.kill();
        await run('umount', [state]);
      }
    } finally {
      await daemon.remove();
    }
  });
}

async function mountDisk({ image, state }: Pick<Ground, 'image' | 'state'>): Promise<void> {
  await run('mount', ['-o', 'loop', image, state]);
  await chmod(state, 0o700);
}

async function assertThereIs({ daemon, model }: Ground): Promise<void> {
  assert.equal(textOfAll(await daemon.client.list()), textOf(model));
}

/** All seven calls, `first` first. */
async function refuseAll(ground: Ground, { commits }: Trouble, first: number): Promise<void> {
  const { daemon } = ground;
  const { client } = daemon;
  for (const step of [...STEPS.slice(first), ...STEPS.slice(0, first)]) {
    if (step === CLEANUP) await take(ground, step);
    else {
      const { name, details } = await failureOf(step.call(client));
      const { code, says } = (step === COMMIT ? commits : null) ?? REFUSED;
      assert.is(name, code, `${step.title}: ${details}`);
      assert.match(details, says);
    }
  }
  await assertThereIs(ground);
  await Promise.all([client.stat('layer'), client.mounts('active'), client.usage('active')]);
  assert.ok((await problemsOf(daemon)).includes('catalog-broken'));
}

async function tryTrouble(trouble: Trouble, first: number): Promise<void> {
  await withGround(async (ground) => {
    const { daemon } = ground;
    await daemon.start();
    for (const step of BEFORE) await take(ground, step);
    await trouble.begin(ground);
    await refuseAll(ground, trouble, first);
    if (trouble.end === null) {
      assert.is(await daemon.end('SIGTERM'), '1');
      assert.match(daemon.log, /^thinsnapd: .*read-only file system/m);
    } else {
      await trouble.end(ground);
      // It does not come back by itself, and goes on saying why.
      assert.match((await failureOf(daemon.client.remove('gone'))).details, REFUSED.says);
      await daemon.stop();
    }
    await run('umount', [ground.state]);
    await mountDisk(ground);
    await daemon.start();
    await assertThereIs(ground);
    assert.equal(await problemsOf(daemon), []);
    for (const step of STEPS) await take(ground, step);
    await assertThereIs(ground);
    await removeAll(daemon.client);
    assert.equal(await blockFilesLeft(daemon), []);
  });
}

for (const trouble of TROUBLES) {
  const firsts = wanted === 'all' ? STEPS.keys() : [randomInt(STEPS.length)];
  for (const first of firsts) {
    const title = `a disk that ${trouble.title} is met by ${STEPS[first]?.title}: refused, told, and nothing is half done`;
    asRootWith(test, 'mount', 'prlimit')(title, () => tryTrouble(trouble, first));
  }
}

test.run();
