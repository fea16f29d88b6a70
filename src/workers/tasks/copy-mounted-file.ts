// Copies a blockfile that is in use: with its file system frozen, or flushed when a virtual machine has it raw.
// A frozen ext4 is clean; a frozen xfs keeps a dirty log on purpose, which the copy's first mount replays.

import type { TaskAnswer, TaskArgs } from '../../shared/tasks.ts';
import { copyContents, createWhole } from '../block/copy.ts';
import { withFrozen } from '../block/freeze.ts';
import { findLoops, flushDevice } from '../block/loop.ts';

/** Whoever writes to the original waits this long at most. Less than the call does: it is answered once nothing is frozen any more. */
const FROZEN_COPY_TIMEOUT_MS = 100_000;

export async function copyMountedFile({
  from,
  to,
  sizeBytes,
}: TaskArgs<'copyMountedFile'>): Promise<TaskAnswer<'copyMountedFile'>> {
  const allocatedBytes = await createWhole(to, async (partial) => {
    const loops = await findLoops(from);
    // All there is to do for a device that is used raw; for a mounted one it makes the freeze short.
    for (const loop of loops) await flushDevice(loop);
    await withFrozen(loops, () => copyContents(from, partial, { sizeBytes, timeoutMs: FROZEN_COPY_TIMEOUT_MS }));
  });
  return { allocatedBytes };
}
