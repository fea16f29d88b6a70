// Devices that somebody else has open while they are committed and removed: a udevd, which looks at each that was written to;
// a program that opens all of them in turn, as blkid and multipathd do; and one that does not let go.
// vm: udev pool

import { type FileHandle, open, readdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { isCode } from '../../src/main/durable-file.ts';
import { type Stage, stageSuite } from '../e2e/stage.ts';
import { codeOf } from '../support/grpc-client.ts';
import { promptly } from '../support/promptly.ts';
import { type Random, randomFrom } from '../support/random.ts';
import { until } from '../support/until.ts';
import { thinPoolDaemon } from './support/daemon.ts';
import { leftovers } from './support/leftovers.ts';

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
    const opened = await withOpener(randomFrom(1), async () => {
      for (let time = 0; time < TIMES; time += 1) {
        const [key, name, child, view] = [stage.key(), stage.key(), stage.key(), stage.key()];
        await promptly(client.prepare(key));
        await promptly(client.commit(name, key));
        await promptly(client.prepare(child, name));
        await promptly(client.view(view, name));
        await promptly(client.remove(child));
        await promptly(client.remove(view));
        await promptly(client.remove(name));
      }
    });
    assert.ok(opened >= TIMES, `${opened} were opened`);
  });

  stage.test(
    `${TIMES} that a process has open are removed at once, hold up nobody, and go when it lets go`,
    async () => {
      const { client } = stage;
      const parent = await stage.layer();
      const { keys, files } = await holdOpen(stage, parent);
      try {
        const other = stage.key();
        await promptly(Promise.all([...keys.map((key) => client.remove(key)), client.prepare(other, parent)]));
        for (const key of keys) assert.is(await codeOf(client.stat(key)), 'NOT_FOUND');
        await promptly(client.remove(other));
        await client.cleanup();
        const left = await leftovers();
        assert.ok(left.filter((what) => what.startsWith(pool)).length >= TIMES, left.join(', '));
      } finally {
        for (const file of files) await file.close();
      }
      await client.remove(parent);
      await nothingLeft(stage);
    },
  );

  stage.test(`${TIMES} that a process has open are committed, and their children made and removed`, async () => {
    const { client } = stage;
    const parent = await stage.layer();
    const { keys, files } = await holdOpen(stage, parent);
    const committed = keys.map((key) => ({ key, name: `${key}-committed`, child: `${key}-child` }));
    try {
      await promptly(Promise.all(committed.map(({ key, name }) => client.commit(name, key))));
      await promptly(Promise.all(committed.map(({ child, name }) => client.prepare(child, name))));
      await promptly(Promise.all(committed.map(({ child }) => client.remove(child))));
      await promptly(Promise.all(committed.map(({ name }) => client.remove(name))));
    } finally {
      for (const file of files) await file.close();
    }
    await client.remove(parent);
    await nothingLeft(stage);
  });
}

async function holdOpen(stage: Stage, parent: string): Promise<{ keys: string[]; files: FileHandle[] }> {
  const keys = Array.from({ length: TIMES }, () => stage.key());
  const mounts = await Promise.all(keys.map((key) => stage.client.prepare(key, parent)));
  const files: FileHandle[] = [];
  for (const [mount] of mounts) files.push(await open(mount?.source ?? '', 'r'));
  return { keys, files };
}

async function nothingLeft(stage: Stage): Promise<void> {
  let left: readonly string[] = [];
  const look = async (): Promise<true | null> => {
    await stage.client.cleanup();
    left = await leftovers();
    return left.length === 0 ? true : null;
  };
  await until(GONE_LIMIT_MS, look, () => left.join(', '));
}

stageSuite('openers, thin pool', () => thinPoolDaemon('ioctl'), [openers]);
