// What a snapshot, with its device, takes in memory once the catalog is open: live heap, after garbage collections.
//
//   npm run bench:memory -- [COUNT ...]       COUNT: snapshots; 1,000, 10,000 and 100,000 unless given

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Catalog } from '../src/main/catalog/catalog.ts';
import { makeCatalog } from './made-daemon.ts';

const COUNTS = [1_000, 10_000, 100_000];

/** The second collection takes what the first only let go. */
function liveBytes(): number {
  if (gc === undefined) throw new Error('Cannot measure: run this with node --expose-gc');
  gc();
  gc();
  return process.memoryUsage().heapUsed;
}

async function measure(count: number): Promise<number> {
  const root = await mkdtemp(join(tmpdir(), 'thinsnap-bench-'));
  try {
    await makeCatalog(root, count);
    const before = liveBytes();
    const catalog = await Catalog.open(root);
    const after = liveBytes();
    await catalog.close();
    return (after - before) / catalog.tables.snapshots.size;
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

// The code that opens a catalog is compiled by then.
await measure(1);
const given = process.argv.slice(2).map(Number);
for (const count of given.length > 0 ? given : COUNTS) {
  process.stdout.write(`${count} snapshots: ${(await measure(count)).toFixed(0)} bytes each\n`);
}
