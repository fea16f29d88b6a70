// Removes a blockfile. Whoever still has it mounted keeps its blocks until the unmount.

import type { TaskAnswer, TaskArgs } from '../../shared/tasks.ts';
import { removeWhole } from '../block/copy.ts';

export async function removeFile({ path }: TaskArgs<'removeFile'>): Promise<TaskAnswer<'removeFile'>> {
  await removeWhole(path);
}
