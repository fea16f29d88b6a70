// The devices that a catalog knows, held against the volumes of a daemon that does not run: which are not there, and which
// are there and not known. It only looks.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { VolumesIdentity } from '../../catalog/codec.ts';
import type { Device } from '../../catalog/records.ts';
import type { Config } from '../../config/config.ts';
import { HUNG_AFTER_MS } from '../../hung-tasks.ts';
import { TaskPool } from '../../task-pool.ts';

/** More are counted and not named. */
const NAMES_MAX = 20;

interface Known {
  readonly identity: VolumesIdentity | null;
  readonly devices: readonly Device[];
}

/** A line or more; why it was not checked, where it could not be. */
export async function checkDevices(config: Config, { identity, devices }: Known): Promise<readonly string[]> {
  if (identity === null) return ['not checked against volumes: it has none yet'];
  try {
    const found = identity.kind === 'blockfile' ? await files(config) : await thinIds(config, identity.poolName);
    const foreign = identity.kind === 'blockfile' ? [] : identity.foreignThinIds;
    const known = new Map(devices.map((device) => [placeOf(device), device]));
    const missing = devices.filter((device) => device.state !== 'Removing' && !found.has(placeOf(device)));
    const unknown = [...found].filter((place) => !known.has(place) && !foreign.some((id) => id === place));
    const where = identity.kind === 'blockfile' ? 'the block files' : `pool ${identity.poolName}`;
    if (missing.length + unknown.length === 0) return [`checked against ${where}: the same devices`];
    return [
      `checked against ${where}:`,
      ...named(
        'missing there, so that it will fail when it is used: device',
        missing.map(({ id }) => id),
      ),
      ...named(`there and not known, left alone: ${identity.kind === 'blockfile' ? 'file' : 'thin id'}`, unknown),
    ];
  } catch (error) {
    return [`not checked against volumes: ${error instanceof Error ? error.message : String(error)}`];
  }
}

function placeOf({ id, place }: Device): number {
  return place.kind === 'thin' ? place.thinId : id;
}

async function files({ rootPath }: Config): Promise<ReadonlySet<number>> {
  const names = await readdir(join(rootPath, 'volumes'));
  return new Set(
    names.map((name) => /^(\d+)\.img$/.exec(name)?.[1]).flatMap((id) => (id === undefined ? [] : [Number(id)])),
  );
}

async function thinIds({ engine }: Config, pool: string): Promise<ReadonlySet<number>> {
  const tasks = await TaskPool.open({
    engine,
    workers: 1,
    childLock: null,
    hungAfterMs: HUNG_AFTER_MS,
    onWorkerError: () => undefined,
    onHung: () => undefined,
  });
  try {
    return new Set<number>(await tasks.run('poolThinIds', { pool }));
  } finally {
    await tasks.close();
  }
}

function named(what: string, ids: readonly number[]): readonly string[] {
  const lines = ids.slice(0, NAMES_MAX).map((id) => `  ${what} ${id}`);
  return ids.length > NAMES_MAX ? [...lines, `  and ${ids.length - NAMES_MAX} more`] : lines;
}
