// A start on a pool whose metadata can no longer be written: the pool answers all the same when its ids are listed, when it is
// marked as the catalog's, and when a later start is counted. None serves, and the next one on sound metadata makes good what is lacking.
//
// THINSNAP_SILENT_STARTS: how many of the messages, or all.

import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TOOL_SEARCH_PATH } from '../../src/shared/tools.ts';
import { PIPE, runOn } from '../main/cli/support.ts';
import { type Daemon, makeDaemon } from '../support/daemon.ts';
import { drawn } from '../support/random.ts';
import { withTimeout } from '../support/with-timeout.ts';
import { refusalOf, thinPoolConfig } from './support/daemon.ts';
import {
  clearDevices,
  FAIL_METADATA_WRITES,
  failMetadataWrites,
  makePool,
  openPool,
  POOL,
  removePool,
  transactionId,
} from './support/pool.ts';
import { shell } from './support/shell.ts';

const { THINSNAP_SILENT_STARTS: wanted = '1', THINSNAP_TEST_PATIENCE: patience = '1' } = process.env;
const TEST_LIMIT_MS = 240_000 * Number(patience);

interface Message {
  readonly title: string;
  /** Of a daemon that has served before; else of its first start. */
  readonly later?: boolean;
  /** Answers what the start said in whose middle the metadata began to fail. */
  readonly fail: (daemon: Daemon) => Promise<string>;
}

/** Before the start has asked anything of the pool. */
async function failFromTheStart(daemon: Daemon): Promise<string> {
  await failMetadataWrites();
  return refusalOf(daemon);
}

const MESSAGES: readonly Message[] = [
  {
    title: 'reserve_metadata_snap',
    fail: failFromTheStart,
  },
  {
    title: 'release_metadata_snap',
    fail: async (daemon) => {
      const tools = join(daemon.root, 'tools');
      await mkdir(tools);
      await writeFile(
        join(tools, 'thin_ls'),
        `#!/bin/sh\nset -e\n${FAIL_METADATA_WRITES}\nPATH=${TOOL_SEARCH_PATH} exec thin_ls "$@"\n`,
      );
      await chmod(join(tools, 'thin_ls'), 0o755);
      return refusalOf(daemon, { THINSNAP_TOOL_PATH: `${tools}:${TOOL_SEARCH_PATH}` });
    },
  },
  {
    title: 'set_transaction_id',
    fail: async (daemon) => {
      // The intent is written, and the message is the first thing that the next start asks of the pool.
      await refusalOf(daemon, { THINSNAP_FAILPOINTS: 'catalog.after-identity=1*kill' });
      return failFromTheStart(daemon);
    },
  },
  {
    title: 'set_transaction_id of a later start',
    later: true,
    fail: failFromTheStart,
  },
];

const tests = suite('starts that fail in silence');

async function tryMessage({ fail, later = false }: Message): Promise<void> {
  await makePool();
  const daemon = await makeDaemon({
    config: { ...thinPoolConfig('ioctl'), pool_name: POOL, base_image_size: '64MB', standby_per_parent: 0 },
  });
  try {
    if (later) {
      await daemon.start();
      await daemon.stop();
    }
    const before = await transactionId();
    assert.match(await fail(daemon), /The daemon ended/);
    assert.match(await shell('dmsetup', 'status', '--noflush', POOL), / ro | Fail/);
    // As after a repair and a reboot.
    await clearDevices();
    await openPool();
    assert.is(await transactionId(), before);
    await daemon.start();
    const tag = await transactionId();
    if (later) assert.is(tag, before + 1);
    else assert.ok(tag > 0);
    await daemon.client.prepare('first');
    const { status, out, error } = await runOn(PIPE, 'check', '--config', join(daemon.root, 'config.toml'));
    assert.is(status, 0, `${out}${error}`);
    await daemon.restart();
    assert.is(await transactionId(), tag + 1);
  } finally {
    await daemon.remove();
    await clearDevices();
    await removePool();
  }
}

for (const each of drawn(MESSAGES, wanted)) {
  tests(`no start serves when its ${each.title} is answered and not kept`, () =>
    withTimeout(tryMessage(each), TEST_LIMIT_MS, each.title),
  );
}

tests.run();
