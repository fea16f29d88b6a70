// Gives the blocks of a device that is to be deleted back to the disk under the pool: deleting alone tells the disk nothing.

import { readFile } from 'node:fs/promises';
import { failpoint } from '../../shared/failpoints.ts';
import { isFault } from '../../shared/faults.ts';
import type { TaskArgs } from '../../shared/tasks.ts';
import { GIB } from '../../shared/units.ts';
import type { Engine } from '../devmapper/engine.ts';
import { nodePath } from '../devmapper/node.ts';
import { openThinDevice, waitUntilClosed } from '../devmapper/thin-device.ts';
import { withErrno } from '../errno.ts';
import { runTool } from '../exec.ts';

// A discard holds the pool's other work up for as long as it lasts, so it comes in pieces.
const DISCARD_PIECE_BYTES = GIB;
const DISCARD_TIMEOUT_MS = 600_000;

export async function discardThin(engine: Engine, activation: TaskArgs<'discardThin'>): Promise<void> {
  try {
    await openThinDevice(engine, { ...activation, readOnly: false });
  } catch (error) {
    // Deleted already.
    if (isFault(error, 'thin-id-missing')) return;
    throw error;
  }
  await failpoint('discard.opened');
  // What was active already may be in use, and a discard under a mounted file system empties it.
  const { number } = await waitUntilClosed(engine, activation.name);
  if (!(await takesDiscards(`${number.major}:${number.minor}`))) return;
  await runTool('blkdiscard', ['--step', String(DISCARD_PIECE_BYTES), '--', nodePath(activation.name)], {
    timeoutMs: DISCARD_TIMEOUT_MS,
  });
  await failpoint('discard.done');
}

/** A pool with ignore_discard, or a kernel that knows better, says 0. */
async function takesDiscards(number: string): Promise<boolean> {
  const path = `/sys/dev/block/${number}/queue/discard_max_bytes`;
  return Number(await withErrno(`read ${path}`, () => readFile(path, 'utf8'))) > 0;
}
