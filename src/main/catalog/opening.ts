// Opening what is on disk: the copy is read and held against the marker and the mark before the database itself is touched.

import { FaultError } from '../../shared/faults.ts';
import { type Captured, type Contents, readContents, refused, WAYS_OUT } from './contents.ts';
import { type Mark, type MarkRecord, openMark } from './mark.ts';
import { readMarker } from './marker.ts';
import { HEAD_KEY } from './operations.ts';
import { catalogDirectory, chunksOf, FILES, getValue, type Storage, type Store } from './store.ts';

export interface Opened {
  /** As found; null when there was none. */
  readonly marker: string | null;
  readonly mark: Mark;
  readonly db: Store;
  /** Null: there never was a catalog here. */
  readonly contents: Contents | null;
}

/** Whoever calls has the lock, and closes the mark and the database. */
export async function openChecked(rootPath: string, storage: Storage): Promise<Opened> {
  const marker = await readMarker(rootPath);
  const mark = await storage.openMark(rootPath);
  try {
    // A crash in the middle of a first start leaves neither of the two.
    const mayBeNew = marker === null && mark.found === null;
    const contents = await storage.withCopy(rootPath, { createIfMissing: mayBeNew }, readWhole);
    if (contents !== null) checkNewest(contents, { marker, mark: mark.found });
    else if (!mayBeNew) throw lost(rootPath);
    const db = await storage.open(rootPath, { createIfMissing: mayBeNew });
    try {
      await checkHead(db, contents);
      return { marker, mark, db, contents };
    } catch (error) {
      await db.close();
      throw error;
    }
  } catch (error) {
    await mark.close();
    throw error;
  }
}

/** Everything, for a backup, and nothing is changed. Whoever calls has the lock. Faults as for `openChecked`; `not-found`. */
export async function readStopped(rootPath: string): Promise<Captured> {
  const marker = await readMarker(rootPath);
  if (marker === null) throw new FaultError('not-found', `Cannot read the catalog in ${rootPath}: there is none`);
  const mark = await openMark(rootPath);
  await mark.close();
  const contents = await FILES.withCopy(rootPath, { createIfMissing: false }, readWhole);
  if (contents === null) throw lost(rootPath);
  checkNewest(contents, { marker, mark: mark.found });
  const { head, identity, tables } = contents;
  return { head, identity, snapshots: [...tables.snapshots.values()], devices: [...tables.devices.values()] };
}

/** Everything in a database. Fault `io`. */
export async function readWhole(store: Store): Promise<Contents | null> {
  const contents = await readContents(chunksOf(store));
  await checkHead(store, contents);
  return contents;
}

/** A damaged index can hide from a walk through all records, and be met when one is looked for. */
async function checkHead(store: Store, contents: Contents | null): Promise<void> {
  const found = await getValue(store, HEAD_KEY);
  if (found !== (contents?.headValue ?? null)) throw refused('it changed while it was read');
}

interface Witnesses {
  readonly marker: string | null;
  readonly mark: MarkRecord | null;
}

/** Fault `io` when what was read is another catalog, or an older state than was once durable. */
export function checkNewest({ head }: Contents, { marker, mark }: Witnesses): void {
  for (const id of [marker, mark?.catalogId ?? null]) {
    if (id !== null && id !== head.catalogId) throw refused(`it is catalog ${head.catalogId}, and ${id} belongs here`);
  }
  if (mark === null) {
    if (marker === null) return;
    throw refused('the file catalog.mark, which says how far it had got, is missing');
  }
  if (head.sequence < mark.sequence) {
    const missing = mark.sequence - head.sequence;
    throw refused(`its newest state is missing: it ends at batch ${head.sequence}, ${missing} before the last one`);
  }
  if (head.sequence === mark.sequence && head.sum !== mark.sum)
    throw refused('its records are not those of its last batch');
}

function lost(rootPath: string): FaultError {
  const advice = 'To start anew, remove the root_path whole: all snapshots are lost then';
  const found = 'it is empty, but this root_path had one';
  return new FaultError('io', `Cannot use the catalog ${catalogDirectory(rootPath)}: ${found}. ${WAYS_OUT}. ${advice}`);
}
