// Every write is written down while a client takes a daemon's core through sequences of operations, with a mark in the same log
// after each acknowledgement.

import { Ledger, type Moment } from './ledger.ts';
import { MemoryDisk } from './memory-disk.ts';
import { create } from './pool.ts';
import type { PowerRig } from './power-rig.ts';
import { PROLOGUE, type Sequence, stepsOf } from './sequences.ts';
import { shell } from './shell.ts';
import { DISK_MIB, DISK_SECTORS } from './slices.ts';

const TARGET = 'thinsnap-test-log';
/** Where it is written down: far larger than the disk, and bare. */
export const LOG_DISK = '/dev/vdb';
export const FIRST_MARK = markOf(0);

/** What the client was told by each mark. */
export type Told = ReadonlyMap<string, Moment>;

/** From the first start on a bare pool to a stop. */
export async function record(rig: PowerRig, sequences: readonly Sequence[]): Promise<Told> {
  const disk = await MemoryDisk.make(DISK_MIB);
  try {
    await create(TARGET, `0 ${DISK_SECTORS} log-writes ${disk.path} ${LOG_DISK}`);
    await rig.slices.format(`/dev/mapper/${TARGET}`);
    await rig.slices.open(`/dev/mapper/${TARGET}`);
    await shell('dmsetup', 'message', TARGET, '0', 'mark', FIRST_MARK);
    const told = await play(rig, sequences);
    await rig.slices.close();
    await shell('dmsetup', 'remove', TARGET);
    return told;
  } catch (error) {
    await rig.slices.abandon();
    await shell('dmsetup', 'remove', TARGET);
    throw error;
  } finally {
    await disk.remove();
  }
}

async function play(rig: PowerRig, sequences: readonly Sequence[]): Promise<Told> {
  const steps = [...PROLOGUE, ...sequences.flatMap((sequence, index) => stepsOf(sequence, `s${index + 1}`))];
  const told = new Map<string, Moment>();
  const ledger = new Ledger();
  const life = await rig.begin();
  try {
    for (const [index, step] of steps.entries()) {
      ledger.begin(step);
      told.set(markOf(index), ledger.moment);
      const mark = `dmsetup message ${TARGET} 0 mark ${markOf(index + 1)}`;
      if (step.kind === 'Write') {
        await rig.put(await life.mountOf(step.key), step, mark);
      } else {
        await life.take(step);
        await shell('sh', '-c', mark);
      }
      ledger.done();
      told.set(markOf(index + 1), ledger.moment);
    }
    await life.quiet();
    return told;
  } finally {
    await life.close();
  }
}

function markOf(step: number): string {
  return `step-${step}`;
}
