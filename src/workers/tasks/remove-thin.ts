// Deletes a thin device for good: device, blocks, id. Each step takes it as done when it finds its work gone, so that one
// that failed or was killed is simply asked for again.

import { readFile } from 'node:fs/promises';
import { FaultError, isFault } from '../../shared/faults.ts';
import type { Activation, PoolStatus, TaskArgs } from '../../shared/tasks.ts';
import { GIB } from '../../shared/units.ts';
import type { Engine } from '../devmapper/engine.ts';
import { nodePath } from '../devmapper/node.ts';
import { confirmCommitted, deleteThin } from '../devmapper/pool.ts';
import { openThinDevice, removeOwn, waitUntilClosed } from '../devmapper/thin-device.ts';
import { withErrno } from '../errno.ts';
import { runTool } from '../exec.ts';

// A discard holds the pool's other work up for as long as it lasts, so it comes in pieces.
const DISCARD_PIECE_BYTES = GIB;
const DISCARD_TIMEOUT_MS = 600_000;

export async function removeThin(engine: Engine, { activation, discard }: TaskArgs<'removeThin'>): Promise<PoolStatus> {
  const { pool, thinId } = activation;
  const failed = discard ? await discardAll(engine, activation) : null;
  await removeOwn(engine, activation, 'never');
  await deleteThin(engine, pool, thinId);
  const status = await confirmCommitted(engine, pool, 'noflush');
  // Told only now: the id must go whatever became of the discard, and whoever asks again finds it gone.
  if (failed !== null) throw failed;
  return status;
}

/** Gives the blocks back to the disk under the pool. Answers what went wrong where the deletion can go on without it. */
async function discardAll(engine: Engine, activation: Activation): Promise<FaultError | null> {
  try {
    await openThinDevice(engine, { ...activation, readOnly: false });
    // What was active already may be in use, and a discard under a mounted file system empties it.
    const { number } = await waitUntilClosed(engine, activation.name);
    if (await takesDiscards(`${number.major}:${number.minor}`)) await discardDevice(nodePath(activation.name));
    return null;
  } catch (error) {
    // The thin id is gone already.
    if (isFault(error, 'thin-id-missing')) return null;
    if (isFault(error, 'device-busy') || !(error instanceof FaultError)) throw error;
    return error;
  }
}

/** A pool with ignore_discard, or a kernel that knows better, says 0. */
async function takesDiscards(number: string): Promise<boolean> {
  const path = `/sys/dev/block/${number}/queue/discard_max_bytes`;
  return Number(await withErrno(`read ${path}`, () => readFile(path, 'utf8'))) > 0;
}

async function discardDevice(path: string): Promise<void> {
  await runTool('blkdiscard', ['--step', String(DISCARD_PIECE_BYTES), '--', path], { timeoutMs: DISCARD_TIMEOUT_MS });
}
