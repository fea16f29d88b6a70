// What the tasks ask of a pool. A message can answer 0 although its commit failed and the pool went read-only (measured
// with failing metadata, Linux 6.1), so nothing is done until the pool's own status says so.

import { setTimeout as pause } from 'node:timers/promises';
import { FaultError, isFault, toFault } from '../../shared/faults.ts';
import type { PoolStatus } from '../../shared/tasks.ts';
import { type Bytes, type ThinId, toBytes } from '../../shared/units.ts';
import type { Engine, StatusFlush, TargetLine } from './engine.ts';
import {
  POOL_TARGET,
  type PoolTable,
  parsePoolStatus,
  parsePoolTable,
  parseThinStatus,
  THIN_TARGET,
} from './status.ts';

const RESUME_TRIES_MAX = 3;
const RESUME_PAUSE_MS = 20;

/** Fault `device-missing` when there is no such device, `invalid` when it is no thin-pool. */
export async function readPool(engine: Engine, pool: string, flush: StatusFlush): Promise<PoolStatus> {
  return parsePoolStatus(onlyLine(await engine.status(pool, flush), { name: pool, target: POOL_TARGET }));
}

export async function readPoolTable(engine: Engine, pool: string): Promise<PoolTable> {
  return parsePoolTable(onlyLine(await engine.table(pool), { name: pool, target: POOL_TARGET }));
}

/** Stops before anything is asked of a pool that came in the place of ours: its ids are others', and so is what they hold. */
export async function confirmSame(engine: Engine, pool: string, tag: number | null): Promise<void> {
  if (tag !== null) confirmTag(pool, await readPresent(engine, pool), tag);
}

/** The same, of a status that was read for another reason. */
export function confirmTag(pool: string, { mode, transactionId }: PoolStatus, tag: number | null): void {
  // A failed pool does not say who it is, and does nothing.
  if (tag === null || mode === 'fail' || transactionId === tag) return;
  const found = `its transaction id is ${transactionId} and must be ${tag}`;
  throw new FaultError(
    'precondition',
    `Cannot use pool "${pool}": another has come in its place: ${found}. Bring the right one back, and restart thinsnapd`,
    { leaves: 'nothing' },
  );
}

/** One that was taken away, or is something else by now, is as little ours as another one. */
async function readPresent(engine: Engine, pool: string): Promise<PoolStatus> {
  try {
    return await readPool(engine, pool, 'noflush');
  } catch (error) {
    if (!isFault(error, 'device-missing', 'invalid')) throw error;
    throw new FaultError(
      'precondition',
      `Cannot use pool "${pool}": it is not there any more: ${error.message}. Bring it back under its name`,
      { cause: error, leaves: 'nothing' },
    );
  }
}

/** What an active thin device maps, blocks shared with others included. */
export async function readMapped(engine: Engine, name: string): Promise<Bytes> {
  const status = parseThinStatus(onlyLine(await engine.status(name, 'noflush'), { name, target: THIN_TARGET }));
  if (status.state === 'mapped') return toBytes(status.mappedSectors);
  throw new FaultError('pool-unsound', `Cannot read what "${name}" maps: its status is ${status.word}`);
}

/**
 * The status of a pool that took what was sent to it and has room for more. Without room, create_snap answers 0 (measured) and the
 * first write to the snapshot fails; and what is still to be written to a device waits, or is lost.
 */
export async function confirmRoom(engine: Engine, pool: string, flush: StatusFlush): Promise<PoolStatus> {
  const status = await confirmCommitted(engine, pool, flush);
  if (status.mode === 'out_of_data_space') {
    const used = `${status.usedDataBlocks} of ${status.totalDataBlocks} data blocks are used`;
    const advice = 'Remove snapshots or extend the pool, and try again';
    throw new FaultError('no-space', `Cannot have pool "${pool}" keep more: ${used}. ${advice}`);
  }
  return status;
}

/** The status of a pool whose metadata is sound: what was sent to it is committed. Space may be out. */
export async function confirmCommitted(engine: Engine, pool: string, flush: StatusFlush): Promise<PoolStatus> {
  const status = await readPool(engine, pool, flush);
  if ((status.mode === 'rw' || status.mode === 'out_of_data_space') && !status.needsCheck) return status;
  const found = status.needsCheck ? `${status.mode}, needs_check` : status.mode;
  throw new FaultError('pool-unsound', `Cannot rely on pool "${pool}": its mode is ${found}`);
}

/** Deletes the id, unless it is gone already. */
export async function deleteThin(engine: Engine, pool: string, thinId: ThinId): Promise<void> {
  try {
    await engine.message(pool, `delete ${thinId}`);
  } catch (error) {
    if (!isFault(error, 'thin-id-missing')) throw error;
  }
}

/** Runs `action` with I/O to the device held back, and lets it go again even when the action throws. */
export async function withSuspended<Answer>(
  engine: Engine,
  name: string,
  action: () => Promise<Answer>,
): Promise<Answer> {
  let answer: Answer;
  try {
    await engine.suspend(name);
    answer = await action();
  } catch (error) {
    // Also when the suspend itself failed: a tool that was ended too late may have suspended it nevertheless.
    await resumeAfter(engine, name, error);
    throw error;
  }
  await resumeSurely(engine, name);
  return answer;
}

/** What went wrong first stays the fault: whose a thin id is may depend on it. */
async function resumeAfter(engine: Engine, name: string, error: unknown): Promise<void> {
  try {
    await resumeSurely(engine, name);
  } catch (failed) {
    const { code, message, leaves } = toFault(error);
    throw new FaultError(code, `${message}; then: ${toFault(failed).message}`, { cause: error, leaves });
  }
}

/** Nobody else will resume it before the next start, so a failure that may pass is tried again. */
async function resumeSurely(engine: Engine, name: string): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await engine.resume(name);
      return;
    } catch (error) {
      if (isFault(error, 'device-missing') || tries === RESUME_TRIES_MAX) throw error;
    }
    await pause(RESUME_PAUSE_MS);
  }
}

function onlyLine(lines: readonly TargetLine[], expected: { name: string; target: string }): string {
  const [line] = lines;
  if (line !== undefined && lines.length === 1 && line.target === expected.target) return line.parameters;
  const found = lines.length === 0 ? 'no table' : lines.map(({ target }) => target).join(', ');
  throw new FaultError('invalid', `Cannot use "${expected.name}" as a ${expected.target}: it has ${found}`);
}
