// A pool whose data device is suspended: its commits wait for it in the kernel, in state D, where no signal reaches them. Whoever
// needs no commit is answered meanwhile, and everything goes on once the device is resumed.
// vm: plain
//
// THINSNAP_TOOL_ENDS: also until the calls are out of time, and with both engines.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { EngineKind } from '../../src/shared/tasks.ts';
import { basesAreLeft } from '../support/clearing.ts';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { answerOf, codeOf } from '../support/grpc-client.ts';
import { withMounted } from '../support/mounting.ts';
import { until } from '../support/until.ts';
import { thinPoolConfig } from './support/daemon.ts';
import { clearDevices, DATA, makePool, POOL, removePool } from './support/pool.ts';
import { shell } from './support/shell.ts';
import { stuckThreads } from './support/stuck-threads.ts';

const { THINSNAP_TOOL_ENDS: ends = '' } = process.env;
const STUCK_LIMIT_MS = 60_000;
/** After a resume: the longest pause of what is tried again is 30 s, and kernel calls that were held up come first. */
const ON_AGAIN_LIMIT_MS = 120_000;
const CONTENT = 'of the layer';
/** With async_remove off, a Remove waits until its device was tried. */
const CONFIG = { pool_name: POOL, base_image_size: '64MB', standby_per_parent: 0, async_remove: true };

const TRIALS: readonly { readonly engine: EngineKind; readonly resumed: 'soon' | 'late' }[] =
  ends === ''
    ? [{ engine: 'ioctl', resumed: 'soon' }]
    : (['ioctl', 'dmsetup'] as const).flatMap((engine) =>
        (['soon', 'late'] as const).map((resumed) => ({ engine, resumed })),
      );

interface Waiting {
  readonly call: () => Promise<unknown>;
  /** What it answers when it was done before. */
  readonly again: string;
}

function waitingOf({ client }: Daemon): readonly Waiting[] {
  return [
    { call: () => client.prepare('child', 'layer'), again: 'ALREADY_EXISTS' },
    { call: () => client.commit('name', 'key'), again: 'NOT_FOUND' },
  ];
}

async function furnish({ client, root }: Daemon): Promise<void> {
  await withMounted(root, await client.prepare('below', ''), (dir) => writeFile(join(dir, 'file'), CONTENT));
  await client.commit('layer', 'below');
  await client.prepare('key', 'layer');
  await client.prepare('gone', 'layer');
  // Its deactivations are over.
  await client.cleanup();
}

/** Of those who need no commit of the pool. */
async function othersAreAnswered({ client }: Daemon): Promise<void> {
  await client.stat('layer');
  await client.mounts('gone');
  await client.update({ name: 'layer', labels: { during: 'a suspend' } });
  await client.remove('gone');
  const names = (await client.list()).map(({ name }) => name);
  assert.equal(names.sort(), ['key', 'layer']);
}

async function holdUp(daemon: Daemon, resumed: 'soon' | 'late'): Promise<void> {
  const waiting = waitingOf(daemon);
  let answered = 0;
  await shell('dmsetup', 'suspend', '--noflush', '--nolockfs', DATA);
  const answers: Promise<string>[] = [];
  try {
    for (const { call } of waiting) answers.push(answerOf(call()).finally(() => (answered += 1)));
    await until(
      STUCK_LIMIT_MS,
      async () => ((await stuckThreads(daemon.pid)).length > 0 ? true : null),
      () => 'nothing waits in the kernel',
    );
    await othersAreAnswered(daemon);
    assert.is(answered, 0);
    if (resumed === 'late') {
      for (const answer of answers) assert.match(await answer, /^DEADLINE_EXCEEDED: Cannot (wait longer|finish) /);
      await othersAreStillAnswered(daemon);
    }
  } finally {
    await shell('dmsetup', 'resume', DATA);
  }
  if (resumed === 'soon') for (const answer of answers) assert.is(await answer, 'OK');
}

async function othersAreStillAnswered({ client }: Daemon): Promise<void> {
  assert.is((await client.list()).length, 2);
  await client.update({ name: 'layer', labels: {} });
}

/** What was answered is done, and what was not can be asked for again. */
async function goesOn(daemon: Daemon, resumed: 'soon' | 'late'): Promise<void> {
  for (const { call, again } of waitingOf(daemon)) {
    let code = '';
    await until(
      ON_AGAIN_LIMIT_MS,
      async () => {
        code = await codeOf(call());
        return code === again || (code === 'OK' && resumed === 'late') ? true : null;
      },
      () => `it is answered ${code}`,
    );
  }
  const { client, root } = daemon;
  await client.view('view', 'name');
  for (const key of ['child', 'view']) {
    const found = await withMounted(root, await client.mounts(key), (dir) => readFile(join(dir, 'file'), 'utf8'));
    assert.is(found, CONTENT);
    await client.remove(key);
  }
  for (const name of ['name', 'layer']) await client.remove(name);
  await basesAreLeft(daemon);
}

for (const { engine, resumed } of TRIALS) {
  test(`a data device that is suspended holds up commits alone, and all goes on when it is resumed ${resumed}, ${engine}`, async () => {
    await makePool();
    try {
      const daemon = await startDaemon({ config: { ...thinPoolConfig(engine), ...CONFIG } });
      try {
        await furnish(daemon);
        await holdUp(daemon, resumed);
        await goesOn(daemon, resumed);
        await daemon.stop();
      } finally {
        await daemon.remove();
      }
    } finally {
      await clearDevices();
      await removePool();
    }
  });
}

test.run();
