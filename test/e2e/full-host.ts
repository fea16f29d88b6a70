// Volumes on files on a disk that fills up while containers write: what was in use then is never committed, also not by a daemon that
// was started after there was room again; removals and changes go on, and what was refused can be made anew.

import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { removeAll } from '../support/clearing.ts';
import { type ConfigTable, type Daemon, makeDaemon } from '../support/daemon.ts';
import { failureOf } from '../support/grpc-client.ts';
import { withMounted } from '../support/mounting.ts';
import { problemsOf } from '../support/own-words.ts';
import { asRootWith } from '../support/requirements.ts';
import { makeSparseFile, withScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';

const MIB = 2 ** 20;
const DISK_BYTES = 400 * MIB;
const DATA = Buffer.alloc(16 * MIB, 'x');
const CHANGES_WHILE_FULL = 100;
/** The daemon looks every few seconds. */
const SEEN_LIMIT_MS = 30_000;
const REFUSED = /^Cannot commit "active": there was no space left while it was in use, .* Remove it and make it anew$/;

const run = promisify(execFile);

export interface HostedVolumes {
  readonly config: ConfigTable;
  /** What a daemon that has ended leaves on its host. */
  readonly takeAway: () => Promise<void>;
}

interface Ground extends HostedVolumes {
  readonly fsType: string;
}

interface Host {
  readonly daemon: Daemon;
  /** Somebody else's, on the same disk. */
  readonly fill: () => Promise<void>;
  readonly empty: () => Promise<void>;
}

async function withHost({ fsType, config, takeAway }: Ground, action: (host: Host) => Promise<void>): Promise<void> {
  await withScratch(async (dir) => {
    const [disk, host] = [join(dir, 'disk'), join(dir, 'host')];
    await makeSparseFile(disk, DISK_BYTES);
    await run(`mkfs.${fsType}`, ['-q', disk]);
    await mkdir(host);
    await run('mount', ['-o', 'loop', disk, host]);
    const others = { base_image_size: '64MB', min_free_space: '0', standby_per_parent: 0 };
    const daemon = await makeDaemon({ config: { ...config, ...others, root_path: join(host, 'state') } });
    const fillers = ['1M', '4k'].map((bytes) => ({ bytes, path: join(host, bytes) }));
    try {
      await action({
        daemon,
        fill: async () => {
          for (const { bytes, path } of fillers) {
            await run('dd', ['if=/dev/zero', `of=${path}`, `bs=${bytes}`]).catch(() => undefined);
          }
          await run('sync', ['-f', host]);
        },
        empty: async () => {
          for (const { path } of fillers) await rm(path, { force: true });
          await run('sync', ['-f', host]);
        },
      });
    } finally {
      if (daemon.runs) await daemon.kill();
      await takeAway();
      await run('umount', [host]);
      await daemon.remove();
    }
  });
}

async function commitOf({ client }: Daemon): Promise<string> {
  const { name, details } = await failureOf(client.commit('done', 'active'));
  assert.match(details, REFUSED);
  return name;
}

/** On a host of each file system. */
export function fullHostSuite(title: string, volumes: HostedVolumes, fsTypes: readonly string[]): void {
  const test = suite(title);
  for (const fsType of fsTypes) {
    asRootWith(test, `mkfs.${fsType}`)(
      `what was in use while an ${fsType} below was full is never committed, and removals go on`,
      () => withHost({ fsType, ...volumes }, writeWhileFull),
    );
  }
  test.run();
}

async function writeWhileFull({ daemon, fill, empty }: Host): Promise<void> {
  await daemon.start();
  const { client } = daemon;
  await client.prepare('first', '');
  await client.commit('layer', 'first');
  await client.prepare('gone', 'layer');
  await withMounted(daemon.root, await client.prepare('active', 'layer'), async (dir) => {
    await fill();
    // Nobody is told: it is written back when it is unmounted.
    await writeFile(join(dir, 'data'), DATA);
  });
  assert.is(await commitOf(daemon), 'FAILED_PRECONDITION');
  await until(
    SEEN_LIMIT_MS,
    async () => (daemon.log.includes('devices may lack what was written to them') ? true : null),
    () => daemon.log,
  );
  for (let times = 0; times < CHANGES_WHILE_FULL; times += 1)
    await client.update({ name: 'layer', labels: { times: String(times) } });
  await client.remove('gone');
  await daemon.kill();
  await empty();
  await daemon.start();
  assert.is(await commitOf(daemon), 'FAILED_PRECONDITION');
  assert.equal(await problemsOf(daemon), ['writes-lost']);
  await makeAnew(daemon);
}

async function makeAnew(daemon: Daemon): Promise<void> {
  const { client, root } = daemon;
  await client.remove('active');
  const mounts = await client.prepare('active', 'layer');
  await withMounted(root, mounts, (dir) => writeFile(join(dir, 'data'), DATA));
  await client.commit('done', 'active');
  await withMounted(root, await client.view('look', 'done'), async (dir) => {
    assert.ok((await readFile(join(dir, 'data'))).equals(DATA));
  });
  await removeAll(client);
  assert.equal(await problemsOf(daemon), []);
}
