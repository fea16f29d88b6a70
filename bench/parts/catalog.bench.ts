// What a record costs: to text and back, into the tables, and as a durable write of its own, which waits for the disk.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Catalog } from '../../src/main/catalog/catalog.ts';
import { formatDevice, formatSnapshot, parseDevice, parseSnapshot } from '../../src/main/catalog/codec.ts';
import { Tables } from '../../src/main/catalog/tables.ts';
import { nodeRecords, toChanges } from '../node-records.ts';
import { runBench } from './run-bench.ts';

const RECORDS = 1_000;

const records = [...nodeRecords(RECORDS)];
const first = records[0];
if (first?.device == null) throw new Error('The first record has no device');
const { device, snapshot } = first;
const [deviceText, snapshotText] = [formatDevice(device), formatSnapshot(snapshot)];
const changes = records.flatMap(toChanges);

const root = await mkdtemp(join(tmpdir(), 'thinsnap-bench-'));
try {
  const catalog = await Catalog.open(root);
  try {
    await runBench({
      'formatSnapshot, 4 labels': () => formatSnapshot(snapshot),
      'parseSnapshot, 4 labels': () => parseSnapshot(snapshotText),
      formatDevice: () => formatDevice(device),
      parseDevice: () => parseDevice(deviceText),
      [`Tables.apply, ${changes.length} changes`]: () => {
        const tables = new Tables();
        for (const change of changes) tables.apply(change);
      },
      'Catalog.write, one writer': () => catalog.write(toChanges(first)),
    });
  } finally {
    await catalog.close();
  }
} finally {
  await rm(root, { recursive: true, force: true });
}
