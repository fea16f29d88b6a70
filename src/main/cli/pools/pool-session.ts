// What the commands of `thinsnap pool` share: the directory of descriptions, workers, and the pool that is meant. None of
// them needs a daemon.

import { isFault } from '../../../shared/faults.ts';
import { lvmDeviceName, parseLvmDeviceName } from '../../../shared/pool-makeup.ts';
import type { LvmGroup } from '../../../shared/pool-steps.ts';
import { loadConfig, NO_FLAGS } from '../../config/load-config.ts';
import { type Reading, readPath, readPoolName } from '../../config/read-values.ts';
import { AUTOEXTEND_OFF, fileOf, type PoolDescription, readDescription } from '../../pools/description.ts';
import { TaskPool, UNWATCHED } from '../../task-pool.ts';
import { type Arguments, type Option, UsageError } from '../arguments.ts';
import { CommandError, EXIT_NOT_FOUND } from '../command.ts';
import { findConfigFile } from '../daemon/with-daemon.ts';

export const POOL_OPTIONS: readonly Option[] = [
  {
    name: 'config',
    short: null,
    value: 'FILE',
    help: "the daemon's configuration, for its pool_directory (default /etc/thinsnap/config.toml if there is one)",
    completion: 'file',
  },
  {
    name: 'pool-directory',
    short: null,
    value: 'DIR',
    help: 'where the descriptions of pools are (default: as the configuration has it)',
    completion: 'directory',
  },
];

export const POOL_OPERAND = { name: 'POOL', count: 'one', completion: 'nothing' } as const;

export interface PoolSession {
  /** Of the descriptions. */
  readonly directory: string;
  readonly tasks: TaskPool;
  /** Aborted by the first Ctrl-C, which ends nothing by itself: what was begun is undone first. The second one does. */
  readonly signal: AbortSignal;
}

/** `found` has been read with `POOL_OPTIONS`. The workers end with `action`. */
export async function withPools<T>(found: Arguments, action: (session: PoolSession) => Promise<T>): Promise<T> {
  const file = await findConfigFile(found.values.get('config'));
  const { config } = await loadConfig({ file, flags: NO_FLAGS });
  const directory = directoryOf(found) ?? config.poolDirectory;
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  process.once('SIGINT', interrupt);
  const tasks = await TaskPool.open({ engine: config.engine, workers: 1, ...UNWATCHED });
  try {
    return await action({ directory, tasks, signal: interrupted.signal });
  } finally {
    await tasks.close();
    process.off('SIGINT', interrupt);
  }
}

function directoryOf({ values }: Arguments): string | null {
  const given = values.get('pool-directory');
  if (given === undefined) return null;
  return usable('--pool-directory', readPath(given));
}

/** The operand POOL: a name under /dev/mapper, or VG/LV of LVM's. */
export function poolNameOf({ operands }: Arguments): string {
  const [text = ''] = operands;
  const [, vg, lv] = /^(?:\/dev\/)?([^/]+)\/([^/]+)$/.exec(text.replace(/^\/dev\/mapper\//, '')) ?? [];
  return checkedName(
    vg === undefined || lv === undefined ? text.replace(/^\/dev\/mapper\//, '') : lvmDeviceName(vg, lv),
  );
}

export function checkedName(name: string): string {
  const value = usable('that name', readPoolName(name));
  if (value === null) throw new UsageError('Cannot use that name: it is empty');
  return value;
}

/** A UsageError that says what is wrong with `what`. */
export function usable<Value>(what: string, reading: Reading<Value>): Value {
  if (reading.ok) return reading.value;
  throw new UsageError(`Cannot use ${what}: ${reading.mistakes.map(({ message }) => message).join('; ')}`);
}

export interface FoundPool {
  readonly description: PoolDescription;
  /** False for a pool of LVM's that somebody else made. */
  readonly described: boolean;
}

/** Status 4 when there is none of that name. */
export async function findPool({ directory, tasks }: PoolSession, name: string): Promise<FoundPool> {
  const description = await readDescription(directory, name);
  if (description !== null) return { description, described: true };
  const makeup = parseLvmDeviceName(name);
  const group = makeup === null ? null : await groupIfAny(tasks, makeup.vg);
  if (makeup !== null && group?.volumes.includes(makeup.lv) === true) {
    return { description: { name, makeup, autoextend: AUTOEXTEND_OFF, made: [], complete: true }, described: false };
  }
  const found = `there is no ${fileOf(directory, name)}, and LVM has no such volume`;
  throw new CommandError(
    EXIT_NOT_FOUND,
    'not-found',
    `Cannot find pool ${name}: ${found}. "thinsnap pool list" shows all`,
  );
}

async function groupIfAny(tasks: TaskPool, vg: string): Promise<LvmGroup | null> {
  try {
    return await tasks.run('lvmGroup', { vg });
  } catch (error) {
    if (isFault(error, 'tool-missing')) return null;
    throw error;
  }
}
