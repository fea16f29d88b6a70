// Brings all of a blockfile to disk before it is committed, and tells whether anyone still has it.

import type { TaskAnswer, TaskArgs } from '../../shared/tasks.ts';
import { syncFile } from '../block/copy.ts';
import { findLoops, flushDevice } from '../block/loop.ts';

export async function sealFile({ path }: TaskArgs<'sealFile'>): Promise<TaskAnswer<'sealFile'>> {
  const loops = await findLoops(path);
  // First down to the file, through the mounted file system if there is one, then from the file to disk.
  for (const loop of loops) await flushDevice(loop);
  return { open: loops.length > 0, allocatedBytes: await syncFile(path) };
}
