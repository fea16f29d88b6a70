// One trial: a round through all operations while things fail by plan, and a look at what is left behind.

import { setTimeout as sleep } from 'node:timers/promises';
import type { ConfigTable, Daemon } from '../daemon.ts';
import { Lives } from './lives.ts';
import { Round } from './round.ts';

/** What is given up goes in the background, and in its own time. */
const LEFTOVER_LOOKS = 100;
const LEFTOVER_PAUSE_MS = 100;

export interface Ground {
  readonly config: ConfigTable;
  /** The size of the snapshot that is made larger than the others. */
  readonly grownBytes: number;
  /** Far more than any call takes that does not hang. */
  readonly hangLimitMs: number;
  /** What there is beyond the bases once every snapshot is removed. */
  readonly leftovers: (daemon: Daemon) => Promise<readonly string[]>;
  /** What is done between a death and the next start. */
  readonly meanwhile: (root: string) => Promise<void>;
  /** Once the daemon is gone: makes the ground fit for the next one. */
  readonly tidy: () => Promise<void>;
}

export interface Trial {
  /** How its lives ended: "SIGKILL", or an exit status. */
  readonly deaths: readonly string[];
  /** The calls that were not answered OK. */
  readonly disturbed: readonly string[];
  readonly log: string;
}

/** Fails when anything that was acknowledged is not true, anything is half done, or something is left. */
export async function tryPlans(ground: Ground, plans: readonly string[]): Promise<Trial> {
  const lives = await Lives.begin({ ...ground, plans });
  const round = new Round(lives, ground);
  try {
    await round.run();
    await nothingIsLeft(ground, lives.daemon, () => lives.ask((client) => client.cleanup()));
  } catch (error) {
    const story = `${round.disturbed.join('\n')}\n${lives.daemon.log.slice(-4_000)}`;
    throw new Error(`${plans.join(', then ')}: ${String(error)}\n${story}`, { cause: error });
  } finally {
    await lives.remove();
    await ground.tidy();
  }
  return { deaths: lives.deaths, disturbed: round.disturbed, log: lives.daemon.log };
}

/** Fails when there is more than the bases, once all that waits to be deleted had its time. */
export async function nothingIsLeft(
  { leftovers }: Pick<Ground, 'leftovers'>,
  daemon: Daemon,
  cleanup: () => Promise<unknown>,
): Promise<void> {
  let left: readonly string[] = [];
  for (let look = 0; look < LEFTOVER_LOOKS; look += 1) {
    await cleanup();
    left = await leftovers(daemon);
    if (left.length === 0) return;
    await sleep(LEFTOVER_PAUSE_MS);
  }
  throw new Error(`Left behind: ${left.join(', ')}`);
}
