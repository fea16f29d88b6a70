// One trial: a round through all operations while things fail by plan, and a look at what is left behind.

import { type Leftovers, nothingIsLeft } from '../clearing.ts';
import type { ConfigTable } from '../daemon.ts';
import { Lives } from './lives.ts';
import { Round } from './round.ts';

export interface Ground {
  readonly config: ConfigTable;
  /** The size of the snapshot that is made larger than the others. */
  readonly grownBytes: number;
  /** Far more than any call takes that does not hang. */
  readonly hangLimitMs: number;
  readonly leftovers: Leftovers;
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
    await nothingIsLeft(lives.daemon, ground.leftovers, () => lives.ask((client) => client.cleanup()));
  } catch (error) {
    const story = `${round.disturbed.join('\n')}\n${lives.daemon.log.slice(-4_000)}`;
    throw new Error(`${plans.join(', then ')}: ${String(error)}\n${story}`, { cause: error });
  } finally {
    await lives.remove();
    await ground.tidy();
  }
  return { deaths: lives.deaths, disturbed: round.disturbed, log: lives.daemon.log };
}
