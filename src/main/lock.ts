// A directory as a claim that only one process can hold. It is LevelDB's own lock on an empty database: an fcntl lock,
// which the kernel drops however its holder ends, so there is no stale one to judge. (Node has no flock of its own.)

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { FaultError } from '../shared/faults.ts';
import { makeDatabase, sweepHalfMade } from './database.ts';

/** In the directory: who has it. */
const PID_FILE = 'pid';

export interface Lock {
  release(): Promise<void>;
}

/** Takes the lock in `directory`, which is made. Fault `unavailable`, with the holder's process id, when it is held. */
export async function takeLock(directory: string, what: string): Promise<Lock> {
  await mkdir(dirname(directory), { recursive: true, mode: 0o700 });
  const db = await openDatabase(directory, what);
  try {
    await sweepHalfMade(directory);
    await writeFile(join(directory, PID_FILE), `${process.pid}\n`, { mode: 0o600 });
  } catch (error) {
    await db.close();
    throw new FaultError(
      'io',
      `Cannot write in ${directory}: ${String(error)}. See that its file system can be written`,
      {
        cause: error,
      },
    );
  }
  return { release: () => db.close() };
}

async function openDatabase(directory: string, what: string): Promise<ClassicLevel> {
  try {
    await makeDatabase(directory);
    // Not before: it opens itself once it is constructed.
    const db = new ClassicLevel(directory);
    await db.open();
    return db;
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    if (cause instanceof Error && 'code' in cause && cause.code === 'LEVEL_LOCKED') {
      const pid = (await readFile(join(directory, PID_FILE), 'utf8').catch(() => '')).trim();
      const holder = /^\d{1,10}$/.test(pid) ? `process ${pid}` : 'another process';
      throw new FaultError('unavailable', `Cannot use ${what}: ${holder} has it. Stop that thinsnapd first`);
    }
    const advice = 'See that its file system can be written. It holds no data: where it is damaged, remove it';
    throw new FaultError('io', `Cannot lock ${what} in ${directory}: ${String(cause ?? error)}. ${advice}`, {
      cause: error,
    });
  }
}
