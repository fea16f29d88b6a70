// Bringing back what can be brought back of a damaged catalog: LevelDB's own repair on a copy, then each record by its own
// checksum. The damaged one is kept. What comes back may be older than the devices, as with a backup.

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FaultError, isFault } from '../../shared/faults.ts';
import { readBackup } from './backup-file.ts';
import { backupDirectory, listBackups } from './backups.ts';
import type { Head, VolumesIdentity } from './codec.ts';
import { type Contents, Reading, readHead } from './contents.ts';
import { type Filled, fill } from './fill.ts';
import { agreedId, type Found, findWitnesses, finishInstall, installCatalog, restoredHead } from './install.ts';
import { markOf, replaceMark } from './mark.ts';
import { writeMarker } from './marker.ts';
import { checkNewest, readWhole } from './opening.ts';
import type { Device } from './records.ts';
import { settle } from './settle.ts';
import { catalogDirectory, chunksOf, copyFiles, FILES, mendTables, repairLevel, withLevel } from './store.ts';

interface Result {
  readonly catalogId: string;
  readonly identity: VolumesIdentity | null;
  /** As it is in the head: now, or since an earlier time. */
  readonly restored: boolean;
  readonly devices: readonly Device[];
  readonly snapshots: number;
}

export type Repaired =
  /** Nothing was damaged but, perhaps, the two files beside it, which were made anew. */
  | ({ readonly kind: 'whole' } & Result)
  | ({
      readonly kind: 'repaired';
      /** As the newest head that came back says; null when none did. */
      readonly expected: { readonly snapshots: number; readonly devices: number } | null;
      /** The newest batches, of which nothing came back; null when nothing is left that tells. */
      readonly batchesMissing: number | null;
      /** Records that could not be read, and those that cannot be believed, a line each. */
      readonly lost: readonly string[];
      /** What came from the newest backup, a line each. */
      readonly filled: readonly string[];
      /** Where the damaged one is. */
      readonly kept: string | null;
    } & Result);

/** Whoever calls has the lock. Faults: `io` when nothing can be brought back, `unsupported` for another format. */
export async function repairCatalog(rootPath: string): Promise<Repaired> {
  const witnesses = await findWitnesses(rootPath);
  await finishInstall(rootPath);
  const whole = await readIfWhole(rootPath, witnesses);
  if (whole !== null) return keepWhole(rootPath, whole);
  const { marker, mark } = witnesses;
  const { reading, lost } = await salvage(rootPath);
  const head = headOf(reading, lost);
  const newest = await newestBackup(rootPath);
  const catalogId = agreedId([marker, mark?.catalogId, head?.catalogId, newest?.head.catalogId]);
  const backup = newest?.head.catalogId === catalogId ? newest : null;
  const identity = reading.identity ?? backup?.identity ?? null;
  const { filled, ...found } = fillFrom(backup, reading);
  const { snapshots, devices, dropped } = settle(found.snapshots, found.devices);
  if (devices.length === 0) throw irreparable(rootPath, 'no device’s record can be read');
  if (identity === null) throw irreparable(rootPath, 'neither it nor a backup says which volumes it is for');
  if (catalogId === null || (head !== null && head.catalogId !== catalogId)) {
    throw irreparable(rootPath, 'it is that of another root_path');
  }
  const lastDeviceId = devices.reduce((last, { id }) => Math.max(last, id), head?.lastDeviceId ?? 0);
  const base = { catalogId, sequence: head?.sequence ?? 0, lastDeviceId, lastThinId: head?.lastThinId ?? 0 };
  const kept = await installCatalog(rootPath, { head: restoredHead(base, mark), identity, snapshots, devices });
  const batchesMissing = head === null || mark === null ? null : Math.max(0, mark.sequence - head.sequence);
  return {
    kind: 'repaired',
    catalogId,
    identity,
    restored: true,
    devices,
    snapshots: snapshots.length,
    expected: head,
    batchesMissing,
    lost: [...lost, ...dropped],
    filled,
    kept,
  };
}

async function readIfWhole(rootPath: string, { marker, mark }: Found): Promise<Contents | null> {
  try {
    const contents = await FILES.withCopy(rootPath, { createIfMissing: false }, readWhole);
    if (contents === null) return null;
    if (agreedId([marker, mark?.catalogId, contents.head.catalogId]) !== contents.head.catalogId) return null;
    // That the mark itself is lost is repaired here.
    checkNewest(contents, { marker: null, mark });
    return contents;
  } catch (error) {
    if (isFault(error, 'io')) return null;
    throw error;
  }
}

async function keepWhole(rootPath: string, { head, identity, tables }: Contents): Promise<Repaired> {
  const { catalogId, restored } = head;
  await replaceMark(rootPath, markOf(head));
  await writeMarker(rootPath, catalogId);
  const devices = [...tables.devices.values()];
  return { kind: 'whole', catalogId, identity, restored, devices, snapshots: tables.snapshots.size };
}

interface Salvaged {
  readonly reading: Reading;
  readonly lost: string[];
}

async function salvage(rootPath: string): Promise<Salvaged> {
  const copy = `${catalogDirectory(rootPath)}.copy`;
  try {
    const lost = await mendTables(copy, await copyFiles(catalogDirectory(rootPath), copy));
    await repairLevel(copy);
    const read = await withLevel(copy, { createIfMissing: false }, (store) => readEach(chunksOf(store)));
    return { ...read, lost: [...lost, ...read.lost] };
  } catch (error) {
    if (!isFault(error, 'io')) throw error;
    throw irreparable(rootPath, 'LevelDB finds nothing in it');
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

async function readEach(chunks: ReturnType<typeof chunksOf>): Promise<Salvaged> {
  const reading = new Reading();
  const lost: string[] = [];
  try {
    await reading.takeAll(chunks, ({ message }) => lost.push(message));
  } catch (error) {
    if (!isFault(error, 'io')) throw error;
    lost.push('Cannot read the database to its end: what comes after is not known');
  }
  return { reading, lost };
}

function fillFrom(backup: Contents | null, { tables }: Reading): Filled {
  const [snapshots, devices] = [[...tables.snapshots.values()], [...tables.devices.values()]];
  if (backup === null) return { snapshots, devices, filled: [] };
  const older = { snapshots: backup.tables.snapshots.values(), devices: backup.tables.devices.values() };
  return fill({ snapshots, devices }, older);
}

function headOf({ headValue }: Reading, lost: string[]): Head | null {
  try {
    return headValue === null ? null : readHead(headValue);
  } catch (error) {
    if (!isFault(error, 'io')) throw error;
    lost.push(error.message);
    return null;
  }
}

/** The newest one that is whole: which volumes and which catalog it is hardly ever changes. */
async function newestBackup(rootPath: string): Promise<Contents | null> {
  const directory = backupDirectory(rootPath);
  for (const name of (await listBackups(directory)).toReversed()) {
    try {
      return await readBackup(join(directory, name));
    } catch (error) {
      if (!isFault(error, 'io', 'unsupported')) throw error;
    }
  }
  return null;
}

function irreparable(rootPath: string, found: string): FaultError {
  const advice = `Nothing was changed. Run "thinsnap catalog restore" with a backup; the daemon's own are in ${backupDirectory(rootPath)}`;
  return new FaultError('io', `Cannot repair the catalog in ${rootPath}: ${found}. ${advice}`);
}
