// What a blockfile takes on its disk.

import type { TaskAnswer, TaskArgs } from '../../shared/tasks.ts';
import { allocatedBytes } from '../block/copy.ts';

export async function fileAllocated({ path }: TaskArgs<'fileAllocated'>): Promise<TaskAnswer<'fileAllocated'>> {
  return allocatedBytes(path);
}
