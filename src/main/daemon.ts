// The daemon, from its configuration to the first call served, and back: what is opened is closed in reverse.

import { chmod, mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Logger } from 'pino';
import { failpoint } from '../shared/failpoints.ts';
import { FaultError, toFault } from '../shared/faults.ts';
import { adminCalls } from './admin/calls.ts';
import { serveAdmin } from './admin/server.ts';
import { assemble } from './assemble.ts';
import { Backups, backupDirectory } from './catalog/backups.ts';
import { Catalog } from './catalog/catalog.ts';
import { openChildLock } from './child-lock.ts';
import { readVersion } from './cli/version.ts';
import type { Config } from './config/config.ts';
import { HUNG_AFTER_MS } from './hung-tasks.ts';
import { calls } from './rpc/calls.ts';
import { findAccess } from './rpc/listener.ts';
import { type SnapshotsServer, serve } from './rpc/server.ts';
import { clearSocketPath } from './rpc/socket.ts';
import type { Context } from './snapshots/context.ts';
import { TaskPool } from './task-pool.ts';
import { whoElseMayChange, whoElseMayReplace } from './trust.ts';
import { audit } from './upkeep/audit.ts';
import { beginRun, endRun } from './upkeep/clean-stop.ts';
import { recover } from './upkeep/recovery.ts';
import { XfsRetries } from './upkeep/xfs-retries.ts';
import { openVolumes } from './volumes/open-volumes.ts';
import { deviceUuidPrefix } from './volumes/thin-pool/open-thin-pool.ts';

/** What does not end within this after SIGKILL hangs in the kernel. */
const ORPHAN_LIMIT_MS = 20_000;

export interface Daemon {
  /** What it works on, for the first screen. */
  readonly description: string;
  /** No new calls; those in flight end; workers and catalog are closed. Nothing is unmounted or deactivated. */
  stop(): Promise<void>;
}

export interface DaemonOptions {
  readonly config: Config;
  readonly log: Logger;
  /** Aborted when a start that still waits for something is to be given up. */
  readonly signal: AbortSignal;
  /** A mistake of our own was seen: the process should stop, recovery at the next start does the rest. */
  readonly onBug: () => void;
}

/** Starts everything; a fault on the way closes what was open already and is thrown. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const closers: (() => Promise<void>)[] = [];
  const stop = (): Promise<void> => closeAll(closers);
  try {
    return { description: await open(options, closers), stop };
  } catch (error) {
    // What failed first is told.
    await stop().catch(() => undefined);
    throw error;
  }
}

/** Closes all of them, the last first, also when one fails; throws what the first failure was. */
async function closeAll(closers: (() => Promise<void>)[]): Promise<void> {
  const failures: unknown[] = [];
  const attempt = async (step: () => Promise<void> | undefined): Promise<void> => {
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  };
  await attempt(() => failpoint('stop.begun'));
  for (let close = closers.pop(); close !== undefined; close = closers.pop()) {
    await attempt(close);
    await attempt(() => failpoint('stop.part-closed'));
  }
  if (failures.length > 0) throw failures[0];
}

async function open(options: DaemonOptions, closers: (() => Promise<void>)[]): Promise<string> {
  const { config, log, signal } = options;
  await openRoot(config.rootPath);
  await failpoint('start.root-made');
  const catalog = await Catalog.open(config.rootPath);
  closers.push(() => catalog.close());
  await failpoint('start.catalog-opened');
  const run = { ...(await beginRun(config.rootPath)), recovered: false };
  closers.push(async () => {
    // A start that failed has not made good what an unclean stop left.
    if (run.recovered) await endRun(config.rootPath);
  });
  const backups = new Backups({
    capture: () => catalog.capture(),
    directory: backupDirectory(config.rootPath),
    onError: (error) => log.warn({ fault: toFault(error).message }, 'cannot write a backup of the catalog'),
  });
  closers.push(() => backups.close());
  const tasks = await openTasks(options, closers);
  await failpoint('start.workers-started');
  const onForeignThinId = (thinId: number): void =>
    log.warn({ thinId }, 'a thin id of the pool is somebody else’s: left alone');
  const opened = await openVolumes({ config, catalog, tasks, log, unclean: run.unclean, signal, onForeignThinId });
  closers.push(async () => {
    // What runs on after its call ran out of time ends before the pool may be another daemon's.
    await tasks.close();
    await opened.close();
  });
  await failpoint('start.volumes-opened');
  const context = assemble({ config, log, catalog, tasks, opened });
  closers.push(async () => {
    context.guard.close();
    await context.faultyDevices.close();
    // What it has begun ends before the workers do.
    await context.logReserve.keep();
    await context.extender.close();
    await context.standby.stop();
    await context.reaper.close();
  });
  log.info(await recover(context), 'recovered');
  run.recovered = true;
  await failpoint('start.recovered');
  const xfsRetries = limitXfs(options, catalog.id);
  closers.push(() => xfsRetries.close());
  await serveAll({ ...options, tasks }, context, closers);
  if (run.unclean || catalog.restored) void audit(context, log);
  await failpoint('start.served');
  return opened.volumes.description;
}

/** The workers, once nothing is at work any more that a daemon before this one has started. */
async function openTasks({ config, log }: DaemonOptions, closers: (() => Promise<void>)[]): Promise<TaskPool> {
  const lock = await openChildLock(config.rootPath);
  closers.push(() => lock.close());
  const tasks = await TaskPool.open({
    engine: config.engine,
    workers: config.workers,
    childLock: lock.descriptor,
    hungAfterMs: HUNG_AFTER_MS,
    onWorkerError: (error) => log.error({ error: error.message }, 'a worker died; another takes its place'),
    onHung: ({ sinceMs, ...hung }) =>
      log.warn({ ...hung, seconds: Math.round(sinceMs / 1000) }, 'a task does not come back: see dmesg'),
  });
  closers.push(() => tasks.close());
  const ended = await tasks.run('fenceOrphans', { lockPath: lock.path, limitMs: ORPHAN_LIMIT_MS });
  if (ended.length > 0) log.warn({ ended }, 'tools of an earlier daemon were still at work: ended');
  return tasks;
}

function limitXfs({ config, log }: DaemonOptions, catalogId: string): XfsRetries {
  return new XfsRetries({
    maxRetries: config.xfsNospaceMaxRetries,
    uuidPrefix: deviceUuidPrefix(catalogId),
    onError: (device, error) => log.warn({ device, error: String(error) }, 'cannot set xfs_nospace_max_retries'),
  });
}

/** Both sockets, the admin service's first: what is served to containerd can be looked at from its first call on. */
async function serveAll(
  { config, log, onBug, tasks }: DaemonOptions & { readonly tasks: TaskPool },
  context: Context,
  closers: (() => Promise<void>)[],
): Promise<void> {
  const access = await findAccess(Number.parseInt(config.socketMode, 8), config.socketGroup);
  const served: { server: SnapshotsServer | null } = { server: null };
  const clients = async (): Promise<number> => (await served.server?.clients()) ?? 0;
  const admin = await serveAdmin({
    address: config.adminAddress,
    // Where both sockets are in one directory, whoever may connect to the other one must get there.
    passingGid: dirname(config.adminAddress) === dirname(config.address) ? access.gid : null,
    log,
    onBug,
    rpcs: adminCalls({
      ...context,
      tasks,
      config,
      clients,
      version: await readVersion(),
      startedAt: context.clock.now(),
    }),
  });
  closers.push(() => admin.stop());
  await failpoint('start.admin-served');
  await clearSocketPath(config.address, access.gid);
  const { baseImageSize: sizeBytes, fsType, fsOptions } = config;
  const server = await serve({
    address: config.address,
    access,
    log,
    onBug,
    ...calls(context, { fs: { fsType, fsOptions, sizeBytes }, removal: { wait: !config.asyncRemove } }),
  });
  served.server = server;
  closers.push(() => server.stop());
}

/** Made for root alone. One that others may change is refused: what is in there decides what is deleted. */
async function openRoot(rootPath: string): Promise<void> {
  let found: string | null;
  try {
    if ((await mkdir(rootPath, { recursive: true, mode: 0o700 })) !== undefined) await chmod(rootPath, 0o700);
    found = whoElseMayChange(await stat(rootPath)) ?? (await whoElseMayReplace(rootPath));
  } catch (error) {
    throw new FaultError('unavailable', `Cannot use root_path ${rootPath}: ${String(error)}`, { cause: error });
  }
  if (found !== null) throw new FaultError('precondition', `Cannot use root_path ${rootPath}: ${found}`);
}
