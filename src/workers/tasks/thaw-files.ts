// Lets go what a crash in the middle of copyMountedFile left frozen. Every path is tried, also when one fails. There may
// be thousands of files, and loop devices on few of them: the devices are listed once, and the files held against the list.

import { stat } from 'node:fs/promises';
import type { TaskAnswer, TaskArgs } from '../../shared/tasks.ts';
import { thawDevice } from '../block/freeze.ts';
import { inodeKey, listLoops } from '../block/loop.ts';
import { errnoOf } from '../errno.ts';

/** Files looked at side by side. */
const STATS_AT_ONCE = 64;

export async function thawFiles({ paths }: TaskArgs<'thawFiles'>): Promise<TaskAnswer<'thawFiles'>> {
  const loops = await listLoops();
  const thawed: string[] = [];
  const failures: unknown[] = [];
  for (let next = 0; loops.size > 0 && next < paths.length; next += STATS_AT_ONCE) {
    const found = await Promise.allSettled(paths.slice(next, next + STATS_AT_ONCE).map(findFile));
    for (const file of found) {
      try {
        if (file.status === 'rejected') throw file.reason;
        if (await thawAll(loops.get(file.value.key) ?? [])) thawed.push(file.value.path);
      } catch (error) {
        failures.push(error);
      }
    }
  }
  if (failures.length > 0) throw failures[0];
  return thawed;
}

/** The key of a file that is not there is that of none. */
async function findFile(path: string): Promise<{ path: string; key: string }> {
  try {
    return { path, key: inodeKey(await stat(path, { bigint: true })) };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return { path, key: '' };
    throw error;
  }
}

async function thawAll(loops: readonly string[]): Promise<boolean> {
  let wasFrozen = false;
  for (const loop of loops) wasFrozen = (await thawDevice(loop)) || wasFrozen;
  return wasFrozen;
}
