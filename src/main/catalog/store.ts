// Where a catalog is: LevelDB in a folder under root_path, beside it the lock, the marker and the mark. The only file that
// knows classic-level, but for the lock.
//
// LevelDB's opening changes files: it replays its log, deletes what its manifest does not name, and takes the first free number
// for new ones. Of a damaged database it deletes what could still be read. So a copy is opened first, and the original
// only when the copy was found to be whole. A damaged table is not even in the copy: LevelDB would end the process on it.

import { constants, copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { FaultError, isFault } from '../../shared/faults.ts';
import { makeDatabase, sweepHalfMade } from '../database.ts';
import { isMissing } from '../durable-file.ts';
import { type Lock, takeLock } from '../lock.ts';
import { type Entry, WAYS_OUT } from './contents.ts';
import { examineTable, type TableState } from './level-table.ts';
import { type Mark, openMark } from './mark.ts';
import type { Operation } from './operations.ts';

/** Records, and bytes of them, that are read at once: each reading waits for LevelDB's thread. */
const READ_MAX = 1024;
const READ_BYTES = 1024 * 1024;
/** LevelDB's own: the lock is none in a copy, and what it tells of itself is no data. */
const NOT_COPIED = /^(LOCK|LOG|LOG\.old)$/;
const TABLE = /^\d+\.(ldb|sst)$/;

/** strerror(3) of what is no damage; LevelDB passes on the text alone. */
const SYSTEM_REFUSALS =
  /No space left|quota exceeded|Read-only file system|Permission denied|Too many open files|too large/;
const SYSTEM_ADVICE = 'See that its file system has space and can be read and written; nothing was changed';

/** What the catalog asks of LevelDB. */
export interface Store {
  get(key: string): Promise<string | undefined>;
  batch(operations: Operation[], options: { sync: true }): Promise<void>;
  iterator(options: { highWaterMarkBytes: number }): {
    nextv(size: number): Promise<[key: string, value: string][]>;
    close(): Promise<void>;
  };
  close(): Promise<void>;
}

/** What the catalog asks of the disk: the seam for tests that lose power between any two steps. */
export interface Storage {
  /** Fault `unavailable` while another process has it. */
  lock(rootPath: string): Promise<Lock>;
  openMark(rootPath: string): Promise<Mark>;
  /** Runs `action` on a copy, which is gone afterwards. */
  withCopy<Value>(rootPath: string, options: OpenOptions, action: (store: Store) => Promise<Value>): Promise<Value>;
  open(rootPath: string, options: OpenOptions): Promise<Store>;
}

export interface OpenOptions {
  readonly createIfMissing: boolean;
}

export function catalogDirectory(rootPath: string): string {
  return join(rootPath, 'catalog');
}

/** The lock of everything under `rootPath`: who has it may read and change the catalog. */
export function lockRoot(rootPath: string): Promise<Lock> {
  return takeLock(join(rootPath, 'lock'), rootPath);
}

export const FILES: Storage = {
  lock: lockRoot,
  openMark,
  withCopy: async (rootPath, options, action) => {
    const copy = `${catalogDirectory(rootPath)}.copy`;
    try {
      if (options.createIfMissing) await makeCatalog(rootPath);
      const damaged = await copyFiles(catalogDirectory(rootPath), copy);
      try {
        return await withLevel(copy, options, action);
      } catch (error) {
        // One that its manifest does not name, a crash's half-written one, nobody misses.
        throw damaged.length > 0 && isFault(error, 'io') ? damagedTables(rootPath, damaged, error) : error;
      }
    } finally {
      await rm(copy, { recursive: true, force: true });
    }
  },
  open: (rootPath, options) => openLevel(catalogDirectory(rootPath), options),
};

/** By who has the lock: nobody else is making one. */
async function makeCatalog(rootPath: string): Promise<void> {
  try {
    await sweepHalfMade(catalogDirectory(rootPath));
    await makeDatabase(catalogDirectory(rootPath));
  } catch (error) {
    throw new FaultError('io', `Cannot make the catalog in ${rootPath}: ${String(error)}. ${SYSTEM_ADVICE}`, {
      cause: error,
    });
  }
}

/** All that a store holds, in pieces. */
export async function* chunksOf(store: Store): AsyncGenerator<readonly Entry[], void> {
  const iterator = store.iterator({ highWaterMarkBytes: READ_BYTES });
  try {
    for (let chunk = await iterator.nextv(READ_MAX); chunk.length > 0; chunk = await iterator.nextv(READ_MAX)) {
      yield chunk;
    }
  } catch (error) {
    throw levelFault('read the catalog', error);
  } finally {
    await iterator.close();
  }
}

/** Null when there is none. Fault `io`. */
export async function getValue(store: Store, key: string): Promise<string | null> {
  try {
    return (await store.get(key)) ?? null;
  } catch (error) {
    throw levelFault('read the catalog', error);
  }
}

export interface DamagedTable {
  readonly name: string;
  readonly state: Exclude<TableState, { kind: 'whole' }>;
}

/**
 * LevelDB's files, into a folder that is made, or made anew; by reflink where the file system can. Without the tables that
 * are damaged, which are returned.
 */
export async function copyFiles(from: string, to: string): Promise<readonly DamagedTable[]> {
  try {
    await rm(to, { recursive: true, force: true });
    await mkdir(to, { mode: 0o700 });
    const damaged: DamagedTable[] = [];
    for (const entry of await readdir(from, { withFileTypes: true })) {
      const { name } = entry;
      if (!entry.isFile() || NOT_COPIED.test(name)) continue;
      const state = TABLE.test(name) ? examineTable(await readFile(join(from, name))) : null;
      if (state !== null && state.kind !== 'whole') damaged.push({ name, state });
      else await copyFile(join(from, name), join(to, name), constants.COPYFILE_FICLONE);
    }
    return damaged;
  } catch (error) {
    const reason = `${String(error)}. ${isMissing(error) ? WAYS_OUT : SYSTEM_ADVICE}`;
    throw new FaultError('io', `Cannot copy the catalog ${from} to look at it: ${reason}`, { cause: error });
  }
}

export async function withLevel<Value>(
  location: string,
  options: OpenOptions,
  action: (store: Store) => Promise<Value>,
): Promise<Value> {
  const store = await openLevel(location, options);
  try {
    return await action(store);
  } finally {
    await store.close();
  }
}

export async function openLevel(location: string, options: OpenOptions): Promise<Store> {
  const db = new ClassicLevel(location, { ...options });
  try {
    await db.open();
    return db;
  } catch (error) {
    throw levelFault(`open the catalog ${location}`, error);
  }
}

/** Puts what is whole of them in the copy. What is lost, a line each. */
export async function mendTables(copy: string, damaged: readonly DamagedTable[]): Promise<readonly string[]> {
  const lost: string[] = [];
  for (const { name, state } of damaged) {
    if (state.kind === 'unreadable') {
      lost.push(`The table ${name} of the database: nothing says where its blocks are`);
      continue;
    }
    await writeFile(join(copy, name), state.mended);
    if (state.lost > 0)
      lost.push(`${state.lost} blocks of the table ${name} of the database: their checksums are wrong`);
  }
  return lost;
}

/** What LevelDB's own repair makes of the files in a folder: it reads every table and log that is there, whatever its manifest says. */
export async function repairLevel(location: string): Promise<void> {
  try {
    await ClassicLevel.repair(location);
  } catch (error) {
    throw levelFault(`repair the catalog ${location}`, error);
  }
}

function damagedTables(rootPath: string, damaged: readonly DamagedTable[], cause: unknown): FaultError {
  const names = damaged.map(({ name }) => name).join(', ');
  const what = `Cannot open the catalog ${catalogDirectory(rootPath)}`;
  return new FaultError('io', `${what}: checksums are wrong in ${names}. ${WAYS_OUT}`, { cause });
}

function levelFault(what: string, error: unknown): FaultError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? cause.code : null;
  if (code === 'LEVEL_LOCKED') return new FaultError('unavailable', `Cannot ${what}: another process has it open`);
  const reason = cause instanceof Error ? cause.message : String(cause);
  const refused = SYSTEM_REFUSALS.test(reason);
  return new FaultError('io', `Cannot ${what}: ${reason}. ${refused ? SYSTEM_ADVICE : WAYS_OUT}`, { cause: error });
}
