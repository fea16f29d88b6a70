// Makes a blockfile snapshot from a file that nobody has mounted, larger than that when asked.

import type { TaskAnswer, TaskArgs } from '../../shared/tasks.ts';
import { copyContents, createWhole } from '../block/copy.ts';
import { growFileSystem } from '../filesystem/grow.ts';

const COPY_TIMEOUT_MS = 600_000;

export async function copyFile({ from, to, sizeBytes, growth }: TaskArgs<'copyFile'>): Promise<TaskAnswer<'copyFile'>> {
  let reflinked = false;
  const allocatedBytes = await createWhole(to, async (partial) => {
    reflinked = await copyContents(from, partial, { sizeBytes, timeoutMs: COPY_TIMEOUT_MS });
    if (growth.kind === 'grow') await growFileSystem(partial, growth.fsType);
  });
  return { allocatedBytes, reflinked };
}
