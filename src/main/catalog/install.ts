// Puts another catalog in the place of the one that is there, which is kept beside it. Whoever calls has the lock. A crash at
// any moment leaves the old one, none (the start is refused, and either command goes on from there), or the new one whole.

import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { FaultError, isFault } from '../../shared/faults.ts';
import { THIN_ID_MAX } from '../../shared/units.ts';
import { isMissing, syncPath } from '../durable-file.ts';
import { fileTime, toOperations } from './backup-file.ts';
import { CATALOG_FORMAT, type Head } from './codec.ts';
import type { Captured } from './contents.ts';
import { type MarkRecord, markOf, openMark, replaceMark } from './mark.ts';
import { readMarker, writeMarker } from './marker.ts';
import type { Operation } from './operations.ts';
import { catalogDirectory, openLevel } from './store.ts';

const OPERATIONS_PER_BATCH = 1024;
/** Numbers that are passed over, since they may have been given out after the records were written. */
const DEVICE_IDS_SKIPPED = 1_000_000;
const THIN_IDS_SKIPPED = 65_536;

export interface Found {
  readonly marker: string | null;
  readonly mark: MarkRecord | null;
}

/** What is beside a catalog; null for what is damaged or lost. Fault `unsupported` for another format. */
export async function findWitnesses(rootPath: string): Promise<Found> {
  const marker = await readMarker(rootPath).catch(nullIfDamaged);
  const mark = await openMark(rootPath).catch(nullIfDamaged);
  await mark?.close();
  return { marker, mark: mark?.found ?? null };
}

function nullIfDamaged(error: unknown): null {
  if (isFault(error, 'io')) return null;
  throw error;
}

/** The id that most of them have, the first ones where as many have another; null when there is none. */
export function agreedId(ids: readonly (string | null | undefined)[]): string | null {
  const there = ids.filter((id) => id !== null && id !== undefined);
  const countOf = (id: string): number => there.filter((other) => other === id).length;
  return there.reduce<string | null>((best, id) => (best !== null && countOf(best) >= countOf(id) ? best : id), null);
}

/** The head of records that may be older than the devices: beyond all that was ever given out, and marked as restored. */
export function restoredHead(
  head: Pick<Head, 'catalogId' | 'sequence' | 'lastDeviceId' | 'lastThinId'>,
  mark: MarkRecord | null,
): Head {
  const lastDeviceId = Math.max(head.lastDeviceId, mark?.lastDeviceId ?? 0) + DEVICE_IDS_SKIPPED;
  const lastThinId = (mark?.lastThinId ?? head.lastThinId) + THIN_IDS_SKIPPED;
  return {
    format: CATALOG_FORMAT,
    catalogId: head.catalogId,
    sequence: Math.max(head.sequence, mark?.sequence ?? 0) + 1,
    snapshots: 0,
    devices: 0,
    sum: 0,
    lastDeviceId,
    lastThinId: lastThinId % THIN_ID_MAX,
    restored: true,
  };
}

/** Answers the path where the old one is kept; null when there was none. Fault `io`. */
export async function installCatalog(rootPath: string, records: Captured): Promise<string | null> {
  const location = catalogDirectory(rootPath);
  try {
    const { operations, head } = toOperations(records);
    await writeDatabase(`${location}.new`, operations);
    const kept = await setAside(location);
    await rename(`${location}.new`, location);
    await syncPath(rootPath);
    await replaceMark(rootPath, markOf(head));
    await writeMarker(rootPath, head.catalogId);
    return kept;
  } catch (error) {
    if (error instanceof FaultError) throw error;
    throw new FaultError('io', `Cannot put the catalog in place in ${rootPath}: ${String(error)}`, { cause: error });
  }
}

/** Goes on where a crash left no catalog but a new one beside its place. It need not be whole: whoever calls looks. */
export async function finishInstall(rootPath: string): Promise<void> {
  const location = catalogDirectory(rootPath);
  const names = await readdir(location).catch(() => []);
  if (names.length === 0) await rename(`${location}.new`, location).catch(() => undefined);
}

async function writeDatabase(location: string, operations: readonly Operation[]): Promise<void> {
  await rm(location, { recursive: true, force: true });
  await mkdir(location, { mode: 0o700 });
  const store = await openLevel(location, { createIfMissing: true });
  try {
    for (let from = 0; from < operations.length; from += OPERATIONS_PER_BATCH) {
      await store.batch(operations.slice(from, from + OPERATIONS_PER_BATCH), { sync: true });
    }
  } finally {
    await store.close();
  }
}

async function setAside(location: string, now = new Date()): Promise<string | null> {
  const kept = `${location}.replaced-${fileTime(now)}`;
  try {
    await rename(location, kept);
    return kept;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
