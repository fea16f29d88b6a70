// Devices that somebody else has open while they are committed and removed: a udevd, which looks at each that was written to;
// a program that opens all of them in turn, as blkid and multipathd do; one that does not let go; and mounts.
// vm: udev pool

import { type FileHandle, mkdir, open, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { isCode } from '../../src/main/durable-file.ts';
import type { Mount } from '../../src/main/volumes/volumes.ts';
import { type Stage, stageSuite } from '../e2e/stage.ts';
import { nothingIsLeftWithin } from '../support/clearing.ts';
import { codeOf } from '../support/grpc-client.ts';
import { mountAt } from '../support/mounting.ts';
import { promptly, Stopwatch } from '../support/promptly.ts';
import { type Random, randomFrom } from '../support/random.ts';
import { thinPoolDaemon } from './support/daemon.ts';
import { leftovers } from './support/leftovers.ts';
import { shell } from './support/shell.ts';

const TIMES = 20;
const MAPPER = '/dev/mapper';
const { THINSNAP_TEST_POOL: pool = '' } = process.env;
/** How long one stays open, at the most: shorter than any wait of the daemon, so that it meets both open and closed ones. */
const OPEN_MS_MAX = 40;
/** Between two rounds through all. */
const PAUSE_MS = 10;
const GONE_LIMIT_MS = 60_000;

const GONE_CODES = ['ENOENT', 'ENXIO', 'EIO', 'ENODEV'];

/** Opens a device for writing and reads from it: its closing is what udevd watches for. False: it has gone meanwhile. */
async function lookInto(path: string, openMs: number): Promise<boolean> {
  let file: FileHandle | null = null;
  try {
    file = await open(path, 'r+');
    await file.read(Buffer.alloc(4096), 0, 4096, 0);
    await sleep(openMs);
    return true;
  } catch (error) {
    if (GONE_CODES.some((code) => isCode(error, code))) return false;
    throw error;
  } finally {
    await file?.close();
  }
}

/** While `action` runs. Answers how many were opened. */
async function withOpener(random: Random, action: () => Promise<void>): Promise<number> {
  let opened = 0;
  let wanted = true;
  const openAll = async (): Promise<void> => {
    while (wanted) {
      await sleep(PAUSE_MS);
      for (const name of await readdir(MAPPER)) {
        const isOurs = name.startsWith(`${pool}-snap-`);
        if (isOurs && (await lookInto(`${MAPPER}/${name}`, random() * OPEN_MS_MAX))) opened += 1;
      }
    }
  };
  const opening = openAll();
  try {
    await action();
  } finally {
    wanted = false;
    await opening;
  }
  return opened;
}

function openers(stage: Stage): void {
  stage.test(`what is opened now and again is committed and removed, ${TIMES} times`, async () => {
    const { client } = stage;
    const watch = new Stopwatch();
    const opened = await withOpener(randomFrom(1), async () => {
      for (let time = 0; time < TIMES; time += 1) {
        const [key, name, child, view] = [stage.key(), stage.key(), stage.key(), stage.key()];
        await watch.time('a Prepare', client.prepare(key));
        await watch.time('a Commit', client.commit(name, key));
        await watch.time('a Prepare of a child', client.prepare(child, name));
        await watch.time('a View', client.view(view, name));
        await watch.time('a Remove', client.remove(child));
        await watch.time('a Remove of a view', client.remove(view));
        await watch.time('a Remove of a committed one', client.remove(name));
      }
    });
    tell(`among ${opened} openings`, watch);
    assert.ok(opened >= TIMES, `${opened} were opened`);
  });

  stage.test(
    `${TIMES} that a process has open are removed at once, hold up nobody, and go when it lets go`,
    async () => {
      const parent = await stage.layer();
      await removedInUse(stage, { parent, other: parent }, await holdOpen(stage, parent));
      await stage.client.remove(parent);
      await nothingIsLeftWithin(GONE_LIMIT_MS, stage.daemon, leftovers);
    },
  );

  stage.test(`${TIMES} that a process has open are committed, and their children made and removed`, async () => {
    const parent = await stage.layer();
    await committedInUse(stage, { parent, other: parent }, await holdOpen(stage, parent));
    await stage.client.remove(parent);
    await nothingIsLeftWithin(GONE_LIMIT_MS, stage.daemon, leftovers);
  });

  for (const [what, inUse] of [
    ['removed', removedInUse],
    ['committed', committedInUse],
  ] as const) {
    stage.test(`${TIMES} mounted ones are ${what}, hold up nobody, and go once they are unmounted`, async () => {
      const [parent, other] = [await stage.layer(), await stage.layer()];
      await inUse(stage, { parent, other }, await mountAll(stage, parent));
      await stage.client.remove(parent);
      await stage.client.remove(other);
      await nothingIsLeftWithin(GONE_LIMIT_MS, stage.daemon, leftovers);
    });
  }
}

interface Parents {
  /** Of those that are in use. */
  readonly parent: string;
  /** Of who comes meanwhile. */
  readonly other: string;
}

interface InUse {
  readonly keys: readonly string[];
  readonly letGo: () => Promise<void>;
}

async function removedInUse(stage: Stage, { other }: Parents, { keys, letGo }: InUse): Promise<void> {
  const { client } = stage;
  const watch = new Stopwatch();
  try {
    const meanwhile = stage.key();
    await promptly(
      Promise.all([
        ...keys.map((key) => watch.time('a Remove', client.remove(key))),
        watch.time('a Prepare meanwhile', client.prepare(meanwhile, other)),
      ]),
    );
    for (const key of keys) assert.is(await codeOf(client.stat(key)), 'NOT_FOUND');
    await watch.time('a Remove meanwhile', client.remove(meanwhile));
    await client.cleanup();
    const left = await leftovers();
    assert.ok(left.filter((what) => what.startsWith(pool)).length >= TIMES, left.join(', '));
  } finally {
    await letGo();
  }
  tell('removed in use', watch);
}

async function committedInUse(stage: Stage, { other }: Parents, { keys, letGo }: InUse): Promise<void> {
  const { client } = stage;
  const watch = new Stopwatch();
  const committed = keys.map((key) => ({ key, name: `${key}-committed`, child: `${key}-child` }));
  const meanwhile = stage.key();
  try {
    await promptly(
      Promise.all([
        ...committed.map(({ key, name }) => watch.time('a Commit', client.commit(name, key))),
        watch.time('a Prepare meanwhile', client.prepare(meanwhile, other)),
      ]),
    );
    await promptly(
      Promise.all(committed.map(({ child, name }) => watch.time('a Prepare', client.prepare(child, name)))),
    );
    await promptly(Promise.all(committed.map(({ child }) => watch.time('a Remove', client.remove(child)))));
    await promptly(
      Promise.all(committed.map(({ name }) => watch.time('a Remove of a committed one', client.remove(name)))),
    );
    await watch.time('a Remove meanwhile', client.remove(meanwhile));
  } finally {
    await letGo();
  }
  tell('committed in use', watch);
}

async function prepareAll(stage: Stage, parent: string): Promise<readonly { key: string; mounts: readonly Mount[] }[]> {
  const keys = Array.from({ length: TIMES }, () => stage.key());
  return Promise.all(keys.map(async (key) => ({ key, mounts: await stage.client.prepare(key, parent) })));
}

async function holdOpen(stage: Stage, parent: string): Promise<InUse> {
  const prepared = await prepareAll(stage, parent);
  const files: FileHandle[] = [];
  for (const { mounts } of prepared) files.push(await open(mounts[0]?.source ?? '', 'r'));
  const letGo = async (): Promise<void> => {
    for (const file of files) await file.close();
  };
  return { keys: prepared.map(({ key }) => key), letGo };
}

async function mountAll(stage: Stage, parent: string): Promise<InUse> {
  const prepared = await prepareAll(stage, parent);
  const dirs: string[] = [];
  for (const { key, mounts } of prepared) {
    const dir = join(stage.daemon.root, 'in-use', key);
    await mkdir(dir, { recursive: true });
    await mountAt(dir, mounts);
    dirs.push(dir);
    await writeFile(join(dir, 'file'), key);
  }
  const letGo = async (): Promise<void> => {
    for (const dir of dirs) await shell('umount', dir);
  };
  return { keys: prepared.map(({ key }) => key), letGo };
}

function tell(when: string, watch: Stopwatch): void {
  process.stdout.write(`${when}: ${watch.told()}\n`);
}

stageSuite('openers, thin pool', () => thinPoolDaemon('ioctl'), [openers]);
