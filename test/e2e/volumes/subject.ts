// Volumes as a daemon opens them, without the daemon: a catalog that says which they are, workers, and the volumes.

import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { Catalog } from '../../../src/main/catalog/catalog.ts';
import type { Config } from '../../../src/main/config/config.ts';
import { loadConfig, NO_FLAGS } from '../../../src/main/config/load-config.ts';
import { TaskPool, UNWATCHED } from '../../../src/main/task-pool.ts';
import { openVolumes } from '../../../src/main/volumes/open-volumes.ts';
import type { Volumes } from '../../../src/main/volumes/volumes.ts';

const TOOL_TIMEOUT_MS = 60_000;
const WORKERS = 4;

const run = promisify(execFile);

export interface Subject {
  readonly volumes: Volumes;
  /** A directory of the test's own, the same at every opening. */
  readonly root: string;
  /** What is there of devices, by name: must be nothing once all are removed. */
  left(): Promise<readonly string[]>;
  /** Leaves the device as a crash in the middle of a commit does: it takes no writes. */
  holdBack(source: string, mountpoint: string): Promise<void>;
  /** Ends workers and catalog; everything on disk and in the kernel stays. */
  close(): Promise<void>;
}

export interface Opener {
  /** Starts workers and volumes on what was there before, as a daemon does. */
  open(): Promise<Subject>;
  /** Takes the directory away. */
  discard(): Promise<void>;
}

export async function subjectOpener(given: Pick<Config, 'volumes' | 'poolName' | 'engine'>): Promise<Opener> {
  const root = await mkdtemp(join(tmpdir(), 'thinsnap-test-'));
  const { config: defaults } = await loadConfig({ file: null, flags: NO_FLAGS });
  const config: Config = { ...defaults, ...given, rootPath: join(root, 'state'), workers: WORKERS };
  return {
    open: () => openSubject(root, config),
    discard: () => rm(root, { recursive: true, force: true }),
  };
}

async function openSubject(root: string, config: Config): Promise<Subject> {
  const catalog = await Catalog.open(config.rootPath);
  const tasks = await TaskPool.open({
    engine: config.engine,
    workers: WORKERS,
    ...UNWATCHED,
  });
  const opened = await openVolumes({
    config,
    catalog,
    tasks,
    log: pino({ enabled: false }),
    unclean: false,
    signal: new AbortController().signal,
    onForeignThinId: () => undefined,
  });
  const isThin = opened.volumes.kind === 'thin-pool';
  return {
    volumes: opened.volumes,
    root,
    left: isThin ? () => thinLeft(config.poolName ?? '') : () => readdir(join(config.rootPath, 'volumes')),
    holdBack: async (source, mountpoint) => {
      if (isThin) await tool('dmsetup', 'suspend', source);
      else await tool('fsfreeze', '--freeze', mountpoint);
    },
    close: async () => {
      await tasks.close();
      await opened.close();
      await catalog.close();
    },
  };
}

/** Devices of the pool's that the kernel has, and the thin ids that the pool has. */
async function thinLeft(pool: string): Promise<readonly string[]> {
  const names = await tool('dmsetup', 'ls', '--target', 'thin');
  const { metadata, ids } = await thinIds(pool);
  const devices = names.split('\n').filter((line) => line !== '' && line.trim() !== 'No devices found');
  return [...devices, ...ids.map((id) => `thin id ${id} on ${metadata}`)];
}

async function thinIds(pool: string): Promise<{ metadata: string; ids: readonly string[] }> {
  const [, , , number = ''] = (await tool('dmsetup', 'table', pool)).split(' ');
  const metadata = `/dev/${basename(await readlink(`/sys/dev/block/${number}`))}`;
  await tool('dmsetup', 'message', pool, '0', 'reserve_metadata_snap');
  try {
    const ids = await tool('thin_ls', '--no-headers', '-m', '-o', 'DEV', metadata);
    return { metadata, ids: ids.split('\n').filter((line) => line.trim() !== '') };
  } finally {
    await tool('dmsetup', 'message', pool, '0', 'release_metadata_snap');
  }
}

async function tool(...[file = '', ...args]: readonly string[]): Promise<string> {
  return (await run(file, args, { timeout: TOOL_TIMEOUT_MS })).stdout;
}
