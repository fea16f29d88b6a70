// Makes the formatted file that every blockfile snapshot without a parent is copied from.

import type { TaskAnswer, TaskArgs } from '../../shared/tasks.ts';
import { createWhole, makeSparse } from '../block/copy.ts';
import { makeFileSystem } from '../filesystem/mkfs.ts';

export async function createBaseFile(args: TaskArgs<'createBaseFile'>): Promise<TaskAnswer<'createBaseFile'>> {
  const allocatedBytes = await createWhole(args.path, async (partial) => {
    await makeSparse(partial, args.sizeBytes);
    await makeFileSystem(partial, args.mkfs);
  });
  return { allocatedBytes };
}
