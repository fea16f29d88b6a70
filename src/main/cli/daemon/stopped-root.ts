// The root of a daemon that does not run, for commands that read and change the catalog themselves: the lock is held, so
// that none starts meanwhile.

import { access } from 'node:fs/promises';
import { FaultError } from '../../../shared/faults.ts';
import { lockRoot } from '../../catalog/store.ts';
import type { Config } from '../../config/config.ts';
import { CONFIG_OPTIONS, toSources } from '../../config/flags.ts';
import { loadConfig } from '../../config/load-config.ts';
import type { Arguments, Option } from '../arguments.ts';
import { findConfigFile } from './with-daemon.ts';

/** What names a root, and whatever is needed to look at its volumes. */
export const ROOT_OPTIONS: readonly Option[] = CONFIG_OPTIONS.filter(({ name }) =>
  ['config', 'root-path', 'pool-name', 'admin-address'].includes(name),
);

/** `found` has been read with `ROOT_OPTIONS`. */
export async function loadRoot(found: Arguments): Promise<Config> {
  const sources = toSources(found);
  return (await loadConfig({ ...sources, file: await findConfigFile(sources.file) })).config;
}

/** Fault `unavailable` when a daemon, or another such command, has it; `not-found` when there is none. */
export async function withStoppedRoot<Value>({ rootPath }: Config, action: () => Promise<Value>): Promise<Value> {
  await access(rootPath).catch((error: unknown) => {
    throw new FaultError(
      'not-found',
      `Cannot use root_path ${rootPath}: ${String(error)}. Give --config or --root-path`,
    );
  });
  const lock = await lockRoot(rootPath);
  try {
    return await action();
  } finally {
    await lock.release();
  }
}
