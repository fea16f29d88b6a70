// Which daemon a command line means: the socket that it names, else the one of a configuration, else the default one.

import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import { loadConfig, NO_FLAGS } from '../../config/load-config.ts';
import { SETTINGS } from '../../config/settings.ts';
import type { Arguments } from '../arguments.ts';
import { AdminClient } from './admin-client.ts';

/** Where a configuration is looked for when none is named. */
const CONFIG_FILE = '/etc/thinsnap/config.toml';

/** Runs `action` with a connection and closes it whatever happens. `found` has been read with `DAEMON_OPTIONS`. */
export async function withDaemon<T>(found: Arguments, action: (client: AdminClient) => Promise<T>): Promise<T> {
  const client = await AdminClient.open(await findAddress(found, CONFIG_FILE));
  try {
    return await action(client);
  } finally {
    client.close();
  }
}

/** `fallback`: a configuration that is used where it is there and none is named. Throws a ConfigError for a bad one. */
export async function findAddress({ values }: Arguments, fallback: string): Promise<string> {
  const address = values.get('admin-address');
  if (address !== undefined) return resolve(address);
  const file = await findConfigFile(values.get('config'), fallback);
  if (file === null) return SETTINGS.adminAddress.fallback;
  return (await loadConfig({ file, flags: NO_FLAGS })).config.adminAddress;
}

/** The one that is named, else `fallback` where it is there; null for none. */
export async function findConfigFile(named: string | null | undefined, fallback = CONFIG_FILE): Promise<string | null> {
  if (named !== null && named !== undefined) return named;
  return access(fallback).then(
    () => fallback,
    () => null,
  );
}
