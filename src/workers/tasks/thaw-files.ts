// Lets go what a crash in the middle of copyMountedFile left frozen. Every path is tried, also when one fails.

import type { TaskAnswer, TaskArgs } from '../../shared/tasks.ts';
import { thawDevice } from '../block/freeze.ts';
import { findLoops } from '../block/loop.ts';

export async function thawFiles({ paths }: TaskArgs<'thawFiles'>): Promise<TaskAnswer<'thawFiles'>> {
  const thawed: string[] = [];
  const failures: unknown[] = [];
  for (const path of paths) {
    try {
      if (await thawLoopsOf(path)) thawed.push(path);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return thawed;
}

async function thawLoopsOf(path: string): Promise<boolean> {
  let wasFrozen = false;
  for (const loop of await findLoops(path)) wasFrozen = (await thawDevice(loop)) || wasFrozen;
  return wasFrozen;
}
