// Which volumes this daemon works on. What an earlier start chose stays chosen: its snapshots are there. Else the
// configured pool; else, as root where the kernel has device-mapper, a loop-backed pool of its own; else block files.

import { join } from 'node:path';
import type { Logger } from 'pino';
import { FaultError, isFault } from '../../shared/faults.ts';
import type { EngineReport } from '../../shared/tasks.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Config } from '../config/config.ts';
import type { TaskPool } from '../task-pool.ts';
import { BlockfileVolumes } from './blockfile/blockfile-volumes.ts';
import { autoextendOf, bringBack, logAssembly } from './thin-pool/bring-back.ts';
import { loopPoolMakeup, loopPoolName, openLoopPool } from './thin-pool/loop-pool.ts';
import { openThinPool } from './thin-pool/open-thin-pool.ts';
import type { KnownPool } from './thin-pool/pool-growth.ts';
import type { Opened } from './volumes.ts';

export interface OpenOptions {
  readonly config: Config;
  readonly catalog: Catalog;
  readonly tasks: TaskPool;
  readonly log: Logger;
  /** The last run did not end as it should, so a pool that is brought back is checked first. */
  readonly unclean: boolean;
  /** Aborted when the start is given up. */
  readonly signal: AbortSignal;
  readonly onForeignThinId: (thinId: number) => void;
}

type Choice =
  | { readonly kind: 'pool'; readonly poolName: string; readonly reason: string }
  | { readonly kind: 'loop-pool'; readonly reason: string }
  | { readonly kind: 'blockfile'; readonly reason: string };

/**
 * Faults: `precondition` when the volumes are not the ones that the catalog was written for, `io` when it no longer says
 * which those were, and all of opening them.
 */
export async function openVolumes(options: OpenOptions): Promise<Opened> {
  checkIdentity(options.catalog);
  const engine = await probe(options.tasks);
  const choice = choose(options, engine);
  if (choice.kind === 'blockfile') return openBlockfile(options, choice.reason);
  if (!engine.ok) throw new FaultError('unsupported', `Cannot use a thin pool: ${engine.reason}`);
  const { reason } = choice;
  if (choice.kind === 'pool') {
    const { poolName } = choice;
    const activate = (): Promise<KnownPool> => bringBack(options, poolName);
    return openThinPool({ ...options, engine: engine.report, poolName, reason, activate });
  }
  const poolName = loopPoolName(options.catalog.id);
  const activate = (): Promise<KnownPool> => openOwnPool(options, poolName);
  return openThinPool({ ...options, engine: engine.report, poolName, reason, activate });
}

async function openOwnPool({ config, catalog, tasks, log, unclean }: OpenOptions, name: string): Promise<KnownPool> {
  const makeup = loopPoolMakeup(catalog.id, join(config.rootPath, 'pool'));
  logAssembly(log, name, await openLoopPool(tasks, { name, makeup, check: unclean }));
  return { makeup, autoextend: autoextendOf(config) };
}

export function blockfileDirectory(rootPath: string): string {
  return join(rootPath, 'volumes');
}

/** The identity is written before the first device. */
function checkIdentity({ identity, tables }: Catalog): void {
  if (identity !== null || tables.devices.size === 0) return;
  const found = `it holds ${tables.devices.size} devices and does not say on which volumes`;
  throw new FaultError('io', `Cannot use the catalog: ${found}. Bring its files back from a backup`);
}

type Probed = { readonly ok: true; readonly report: EngineReport } | { readonly ok: false; readonly reason: string };

async function probe(tasks: TaskPool): Promise<Probed> {
  try {
    return { ok: true, report: await tasks.run('probe', {}) };
  } catch (error) {
    if (!isFault(error, 'unsupported', 'tool-missing', 'io', 'device-missing')) throw error;
    return { ok: false, reason: error.message };
  }
}

function choose({ config, catalog }: OpenOptions, engine: Probed): Choice {
  const { volumes, poolName } = config;
  const known = catalog.identity;
  if (known !== null) {
    const wanted = volumes === 'auto' ? (poolName === null ? known.kind : 'thin-pool') : volumes;
    if (wanted !== known.kind) {
      const found = `the snapshots under ${config.rootPath} are on ${known.kind} volumes`;
      throw new FaultError('precondition', `Cannot use ${wanted} volumes: ${found}. Set that, or another root_path`);
    }
  }
  if (volumes === 'blockfile') return { kind: 'blockfile', reason: 'the configuration says so' };
  if (poolName !== null) return { kind: 'pool', poolName, reason: 'the configuration names it' };
  if (known?.kind === 'blockfile') return { kind: 'blockfile', reason: 'its snapshots are there' };
  if (known?.kind === 'thin-pool') {
    // Looked at before anything is made: a pool of our own would only be refused for not being that one.
    if (known.poolName !== loopPoolName(catalog.id)) {
      const found = `the snapshots under ${config.rootPath} are on pool ${known.poolName}`;
      throw new FaultError('precondition', `Cannot do without pool_name: ${found}. Set it, or another root_path`);
    }
    return { kind: 'loop-pool', reason: 'its snapshots are there' };
  }
  if (process.geteuid?.() !== 0)
    return { kind: 'blockfile', reason: 'no pool is configured, and only root can make one' };
  if (!engine.ok) return { kind: 'blockfile', reason: `no pool is configured, and none can be made: ${engine.reason}` };
  return { kind: 'loop-pool', reason: 'no pool is configured, and the kernel has device-mapper' };
}

async function openBlockfile({ config, catalog, tasks }: OpenOptions, reason: string): Promise<Opened> {
  const directory = blockfileDirectory(config.rootPath);
  const description = `blockfile volumes in ${directory}: ${reason}`;
  const volumes = await BlockfileVolumes.open({ tasks, directory, description, mountOptions: config.mountOptions });
  if (catalog.identity === null) {
    // What the catalog does not know is deleted; so a new one must not meet files of one that was lost.
    if (await volumes.hasFiles()) {
      const found = `${directory} holds block files, and the catalog is new`;
      const advice =
        'Run "thinsnap catalog restore" with a backup; to start anew, move them away or set another root_path';
      throw new FaultError('precondition', `Cannot use block files: ${found}. ${advice}`);
    }
    await catalog.setIdentity({ kind: 'blockfile' });
  }
  return { volumes, onForeignThinId: () => undefined, close: async () => undefined };
}
