// A directory as a claim that only one process can hold. It is LevelDB's own lock on an empty database: an fcntl lock,
// which the kernel drops however its holder ends, so there is no stale one to judge. (Node has no flock of its own.)

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { FaultError } from '../shared/faults.ts';

export interface Lock {
  release(): Promise<void>;
}

/** Takes the lock in `directory`, which is made. Fault `unavailable`, with the holder's process id, when it is held. */
export async function takeLock(directory: string, what: string): Promise<Lock> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const db = new ClassicLevel(directory);
  const pidFile = join(directory, 'pid');
  try {
    await db.open();
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    if (cause instanceof Error && 'code' in cause && cause.code === 'LEVEL_LOCKED') {
      const pid = (await readFile(pidFile, 'utf8').catch(() => '')).trim();
      const holder = /^\d{1,10}$/.test(pid) ? `process ${pid}` : 'another process';
      throw new FaultError('unavailable', `Cannot use ${what}: ${holder} has it. Stop that thinsnapd first`);
    }
    const advice = 'See that its file system can be written. It holds no data: where it is damaged, remove it';
    throw new FaultError('io', `Cannot lock ${what} in ${directory}: ${String(cause ?? error)}. ${advice}`, {
      cause: error,
    });
  }
  await writeFile(pidFile, `${process.pid}\n`, { mode: 0o600 });
  return { release: () => db.close() };
}
