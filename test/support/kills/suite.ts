// One test for each operation: so many kills, spread from the moment when it is asked for to some time after its answer,
// when what nobody waits for is under way.

import { test } from 'uvu';
import { asRootWith } from '../requirements.ts';
import { OPERATIONS, type Operation } from './operations.ts';
import { type KillGround, Victim } from './victim.ts';

/** Undisturbed runs, of which the longest says how far the moments are spread: the first is slower than all others. */
const RUNS_MEASURED = 3;
/** Beyond the answer, as a part of the time until it. */
const BEYOND = 0.6;

/** `moments`: kills in each operation. */
export function killSuite(ground: KillGround, moments: number): void {
  const asRoot = asRootWith(test, 'losetup', 'e2fsck');
  let victim: Victim | null = null;

  async function furnished(): Promise<Victim> {
    if (victim !== null) return victim;
    victim = await Victim.begin(ground);
    await victim.furnish();
    return victim;
  }

  async function dropped(): Promise<void> {
    await victim?.remove();
    victim = null;
  }

  for (const operation of OPERATIONS) {
    asRoot(`${operation.title} is whole or absent, killed at ${moments} moments`, async () => {
      try {
        const lost = operation.fresh
          ? await eachFresh(ground, operation, moments)
          : await spread(await furnished(), operation, moments);
        process.stdout.write(`${operation.title}: ${moments} kills, ${lost} of them before the answer\n`);
      } catch (error) {
        const log = victim?.daemon.log.slice(-4_000) ?? '';
        // What comes next is not to suffer from it.
        await dropped();
        throw new Error(`${operation.title}: ${String(error)}\n${log}`, { cause: error });
      }
    });
  }
  asRoot('nothing is left of what was killed', async () => {
    try {
      await (await furnished()).end();
    } finally {
      await dropped();
    }
  });
  test.run();
}

/** Answers how often it was killed before the answer. */
async function spread(victim: Victim, operation: Operation, moments: number): Promise<number> {
  let lost = 0;
  let spanMs = 0;
  for (let run = 0; run < RUNS_MEASURED; run += 1) spanMs = Math.max(spanMs, await victim.durationOf(operation));
  for (let moment = 0; moment < moments; moment += 1) {
    if (await victim.killIn(operation, momentMs(moment, moments, spanMs))) lost += 1;
  }
  return lost;
}

async function eachFresh(ground: KillGround, operation: Operation, moments: number): Promise<number> {
  let lost = 0;
  const spanMs = await withVictim(ground, (victim) => victim.durationOf(operation));
  for (let moment = 0; moment < moments; moment += 1) {
    await withVictim(ground, async (victim) => {
      if (await victim.killIn(operation, momentMs(moment, moments, spanMs))) lost += 1;
      await victim.end();
    });
  }
  return lost;
}

async function withVictim<T>(ground: KillGround, action: (victim: Victim) => Promise<T>): Promise<T> {
  const victim = await Victim.begin(ground);
  try {
    return await action(victim);
  } catch (error) {
    throw new Error(`${String(error)}\n${victim.daemon.log.slice(-4_000)}`, { cause: error });
  } finally {
    await victim.remove();
  }
}

/** At any place of its own part of the time, so that no two runs try the same. */
function momentMs(moment: number, moments: number, spanMs: number): number {
  return ((moment + Math.random()) / moments) * spanMs * (1 + BEYOND);
}
