// Every write is written down while clients go on against a daemon's core, with a mark in the same log after each acknowledgement.

import { Gate } from '../../../src/main/lanes.ts';
import type { CoreLife } from './core-life.ts';
import { Ledger, type Moments } from './ledger.ts';
import { MemoryDisk } from './memory-disk.ts';
import { create } from './pool.ts';
import type { PowerRig } from './power-rig.ts';
import { shell } from './shell.ts';
import { DISK_MIB, DISK_SECTORS } from './slices.ts';

const TARGET = 'thinsnap-test-log';
/** Where it is written down: far larger than the disk, and bare. */
export const LOG_DISK = '/dev/vdb';
export const FIRST_MARK = markOf(0);

/** What was told by each mark, to each client. */
export type Told = ReadonlyMap<string, Moments>;

/** Has clients go on, and says in the marks what they begin and are told. */
export type Play = (rig: PowerRig, life: CoreLife, marks: Marks) => Promise<void>;

/** One mark after another, and what everybody knows between them. */
export class Marks {
  /** Of nobody's keys. */
  readonly shared = new Ledger();
  readonly told = new Map<string, Moments>();
  readonly #ledgers = new Map([['', this.shared]]);
  readonly #turns = new Gate(1);
  #last = 0;

  /** What is told to a client whose keys begin with `prefix` is in its ledger. */
  follow(prefix: string, ledger: Ledger): void {
    this.#ledgers.set(prefix, ledger);
  }

  /** A ledger has another step: from the last mark on, that is there or not. */
  begun(): void {
    const moments = [...this.#ledgers].map(([prefix, ledger]) => [prefix, ledger.moment] as const);
    this.told.set(markOf(this.#last), new Map(moments));
  }

  /** Moments count from here on. */
  async first(): Promise<void> {
    await shell('dmsetup', 'message', TARGET, '0', 'mark', FIRST_MARK);
    this.begun();
  }

  /** `write` runs a command of the shell, by which the next mark comes into the log; then `settle` has the step in its ledger. */
  next(write: (command: string) => Promise<unknown>, settle: () => void): Promise<void> {
    return this.#turns.run(async () => {
      await write(`dmsetup message ${TARGET} 0 mark ${markOf(this.#last + 1)}`);
      this.#last += 1;
      settle();
      this.begun();
    });
  }
}

/** From the first start on a bare pool to a stop. */
export function record(rig: PowerRig, play: Play): Promise<Told> {
  return recordWrites(rig, async (marks) => {
    await marks.first();
    await inLife(rig, (life) => play(rig, life, marks));
  });
}

/** What `action` has written on slices that are bare at first. */
export async function recordWrites(rig: PowerRig, action: (marks: Marks) => Promise<void>): Promise<Told> {
  const disk = await MemoryDisk.make(DISK_MIB);
  try {
    await create(TARGET, `0 ${DISK_SECTORS} log-writes ${disk.path} ${LOG_DISK}`);
    await rig.slices.format(`/dev/mapper/${TARGET}`);
    await rig.slices.open(`/dev/mapper/${TARGET}`);
    const marks = new Marks();
    await action(marks);
    await rig.slices.close();
    await shell('dmsetup', 'remove', TARGET);
    return marks.told;
  } catch (error) {
    await rig.slices.abandon();
    await shell('dmsetup', 'remove', TARGET);
    throw error;
  } finally {
    await disk.remove();
  }
}

/** A core that starts, and stops when nothing is left to do. */
export async function inLife(rig: PowerRig, action: (life: CoreLife) => Promise<void>): Promise<void> {
  const life = await rig.begin();
  try {
    await action(life);
    await life.quiet();
  } finally {
    await life.close();
  }
}

function markOf(step: number): string {
  return `step-${step}`;
}
