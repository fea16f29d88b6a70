// An empty LevelDB, there whole or not at all. LevelDB syncs neither its first manifest nor the folder: after a power loss in its
// first opening it would find an empty one, and never open again (seen, with what the disk had kept at each moment).

import { access, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { failpoint } from '../shared/failpoints.ts';
import { isCode, syncPath } from './durable-file.ts';

/** Others may be at it at the same time, and sweep what is half made. */
const TRIES = 5;

/** Makes one in `directory`, whose parent is there, unless there is one. Errors: the system's. */
export async function makeDatabase(directory: string): Promise<void> {
  for (let tries = 1; !(await isThere(directory)); tries += 1) {
    try {
      await makeBeside(directory);
    } catch (error) {
      // An older version's, which died in its first opening: LevelDB may know what to do with it.
      if (isCode(error, 'ENOTEMPTY')) return;
      if (tries === TRIES && !(await isThere(directory))) throw error;
    }
  }
}

/** Removes what makers left that did not come to an end. */
export async function sweepHalfMade(directory: string): Promise<void> {
  const parent = dirname(directory);
  for (const name of await readdir(parent)) {
    if (name.startsWith(prefixOf(directory))) await rm(join(parent, name), { recursive: true, force: true });
  }
}

function prefixOf(directory: string): string {
  return `${basename(directory)}.new-`;
}

/** LevelDB's file that names all others. */
function isThere(directory: string): Promise<boolean> {
  return access(join(directory, 'CURRENT')).then(
    () => true,
    () => false,
  );
}

async function makeBeside(directory: string): Promise<void> {
  const beside = await mkdtemp(join(dirname(directory), prefixOf(directory)));
  try {
    const db = new ClassicLevel(beside);
    await db.open();
    await db.close();
    for (const name of await readdir(beside)) await syncPath(join(beside, name));
    await syncPath(beside);
    await failpoint('start.database-beside');
    // Replaces an empty folder; one that holds anything is somebody's.
    await rename(beside, directory);
    await syncPath(dirname(directory));
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
}
