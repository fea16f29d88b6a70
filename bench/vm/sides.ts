// The two sides of the race, each a server on a socket of its own with its records under STATE_DIR.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KEYS } from '../../src/main/config/settings.ts';
import { type ConfigTable, type Daemon, startDaemon } from '../../test/support/daemon.ts';
import { POOL, STATE_DIR } from './stage.ts';

const BASE_IMAGE_SIZE = '1GB';
const START_LIMIT_MS = 60_000;
const START_POLL_MS = 20;

export interface Side {
  readonly socket: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** containerd's devmapper snapshotter: `programs` is the directory that bench/peer/build printed. */
export async function startPeer(programs: string, options: { readonly asyncRemove: boolean }): Promise<Side> {
  const root = join(STATE_DIR, 'peer');
  await mkdir(root, { recursive: true });
  const config = join(root, 'config.toml');
  const socket = join(root, 'peer.sock');
  const table = {
    root_path: root,
    pool_name: POOL,
    base_image_size: BASE_IMAGE_SIZE,
    async_remove: options.asyncRemove,
    discard_blocks: false,
    fs_type: 'ext4',
  };
  await writeFile(config, toToml(table));
  const child = spawn(join(programs, 'peer'), [config, socket], { stdio: ['ignore', 'ignore', 'pipe'] });
  const log = logOf(child);
  const deadline = Date.now() + START_LIMIT_MS;
  while (!existsSync(socket)) {
    await sleep(START_POLL_MS);
    if (child.exitCode !== null || Date.now() > deadline) throw new Error(`The peer does not serve: ${log()}`);
  }
  if (child.pid === undefined) throw new Error('The peer was not started');
  return { socket, pid: child.pid, stop: () => endOf(child) };
}

export interface ThinsnapOptions {
  readonly asyncRemove: boolean;
  /** With its own limits, as a user gets it who sets nothing. */
  readonly standby: boolean;
  readonly workers: number;
}

export async function startThinsnap(options: ThinsnapOptions): Promise<Side & { readonly daemon: Daemon }> {
  const wanted: ConfigTable = {
    pool_name: POOL,
    volumes: 'thin-pool',
    base_image_size: BASE_IMAGE_SIZE,
    async_remove: options.asyncRemove,
    workers: options.workers,
    ...(options.standby ? {} : { standby_per_parent: 0 }),
  };
  // A build from before the standby refuses its key: so that figures of then can be measured again.
  const config = Object.fromEntries(Object.entries(wanted).filter(([key]) => KEYS.includes(key)));
  const daemon = await startDaemon({ config });
  return { daemon, socket: daemon.address, pid: daemon.pid, stop: () => daemon.stop() };
}

export function hasStandby(): boolean {
  return KEYS.includes('standby_per_parent');
}

function toToml(table: ConfigTable): string {
  return Object.entries(table)
    .map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`)
    .join('');
}

function logOf(child: ChildProcess): () => string {
  let log = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    log = (log + text).slice(-4_000);
  });
  return () => log;
}

async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}
