// Blocks for what a file that is only ever written at its end will come to hold.

import type { TaskAnswer, TaskArgs } from '../../shared/tasks.ts';
import { allocate } from '../block/allocate.ts';

export function reserveFile({ path, sizeBytes }: TaskArgs<'reserveFile'>): Promise<TaskAnswer<'reserveFile'>> {
  return allocate(path, sizeBytes, 'keep-size');
}
