// Which blockfiles a loop device has, as that of a mount: what is in use, as far as the kernel tells.

import { stat } from 'node:fs/promises';
import type { TaskAnswer, TaskArgs } from '../../shared/tasks.ts';
import { inodeKey, listLoops } from '../block/loop.ts';
import { errnoOf, withErrno } from '../errno.ts';

export async function openFiles({ paths }: TaskArgs<'openFiles'>): Promise<TaskAnswer<'openFiles'>> {
  const loops = await listLoops();
  const open: string[] = [];
  if (loops.size === 0) return open;
  for (const path of paths) {
    const key = await withErrno(`look at ${path}`, () =>
      stat(path, { bigint: true }).then(inodeKey, (error: unknown) => {
        if (errnoOf(error) === 'ENOENT') return null;
        throw error;
      }),
    );
    if (key !== null && loops.has(key)) open.push(path);
  }
  return open;
}
