// A catalog's files on two days, with every kind of file that LevelDB has, and what was acknowledged by the second: what
// damages are done to, and what they are judged by.

import { cp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Catalog } from '../../../src/main/catalog/catalog.ts';
import { formatDevice, formatSnapshot } from '../../../src/main/catalog/codec.ts';
import type { Tables } from '../../../src/main/catalog/tables.ts';
import { deviceOf, pairOf, snapshotOf } from '../records.ts';

export interface Days {
  readonly yesterday: string;
  /** After a clean stop. */
  readonly stopped: string;
  /** As kill -9 leaves it. */
  readonly killed: string;
  /** Of each of today's. */
  readonly acknowledged: { readonly stopped: Facts; readonly killed: Facts };
}

/** All records as text, in an order of their own: two catalogs that hold the same are equal by these. */
export type Facts = readonly string[];

const ROUNDS = 3;
const PAIRS_PER_ROUND = 40;

/** Makes the three in folders under `dir`. */
export async function makeDays(dir: string): Promise<Days> {
  const root = join(dir, 'root');
  const days = { yesterday: join(dir, 'yesterday'), stopped: join(dir, 'stopped'), killed: join(dir, 'killed') };
  // Each opening turns the log of the one before into a table.
  for (let round = 0; round < ROUNDS; round += 1) await withCatalog(root, (catalog) => work(catalog, round));
  await copyRoot(root, days.yesterday);
  for (let round = ROUNDS; round < 2 * ROUNDS; round += 1) await withCatalog(root, (catalog) => work(catalog, round));
  await copyRoot(root, days.stopped);
  return withCatalog(root, async (catalog) => {
    const stopped = factsOf(catalog.tables);
    await work(catalog, 2 * ROUNDS);
    const killed = factsOf(catalog.tables);
    // The mark is written behind the answer: the one before the last is there by now.
    await copyRoot(root, days.killed);
    return { ...days, acknowledged: { stopped, killed } };
  });
}

export async function withCatalog<Value>(root: string, action: (catalog: Catalog) => Promise<Value>): Promise<Value> {
  const catalog = await Catalog.open(root);
  try {
    return await action(catalog);
  } finally {
    await catalog.close();
  }
}

export function factsOf(tables: Tables): Facts {
  const snapshots = [...tables.snapshots.values()].map(formatSnapshot);
  const devices = [...tables.devices.values()].map(formatDevice);
  return [...snapshots, ...devices].sort();
}

/** In the place of what was there. */
export async function copyRoot(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true, force: true, preserveTimestamps: false });
}

/** The names of all files of a catalog, and what each holds; without what LevelDB tells of itself. */
export async function readRoot(root: string): Promise<ReadonlyMap<string, string>> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const ours = files.filter((file) => !file.startsWith(join(root, 'lock')) && !/\/(LOG|LOG\.old)$/.test(file));
  const contents = await Promise.all(ours.map(async (file) => [file, await readFile(file, 'latin1')] as const));
  return new Map(contents);
}

/** New records, changed ones and removed ones; as many are added as removed, and labels change. */
async function work(catalog: Catalog, round: number): Promise<void> {
  if (catalog.identity === null) await catalog.setIdentity({ kind: 'blockfile' });
  const first = round * PAIRS_PER_ROUND + 1;
  for (let id = first; id < first + PAIRS_PER_ROUND; id += 1) {
    catalog.newDeviceId();
    await catalog.write(pairOf(`key-${id}`, id));
    if (id % 3 === 0) await catalog.write([{ kind: 'put-device', device: deviceOf(id, { state: 'Removing' }) }]);
    const older = id - PAIRS_PER_ROUND / 2;
    if (older > 0 && older % 5 === 0) {
      const labels = new Map([['round', `${round} ${'x'.repeat(round)}`]]);
      await catalog.write([{ kind: 'put-snapshot', snapshot: snapshotOf(`key-${older}`, older, { labels }) }]);
    }
    if (older > 0 && older % 7 === 0) {
      await catalog.write([
        { kind: 'delete-snapshot', key: `key-${older}` },
        { kind: 'delete-device', id: deviceOf(older).id },
      ]);
    }
  }
}
