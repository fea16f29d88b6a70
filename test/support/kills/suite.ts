// One test for each operation: so many kills, spread from the moment when it is asked for to some time after its answer,
// when what nobody waits for is under way.

import { test } from 'uvu';
import { partOf } from '../part.ts';
import { asRootWith } from '../requirements.ts';
import { OPERATIONS, type Operation } from './operations.ts';
import { type Killed, type KillGround, Victim } from './victim.ts';

const { THINSNAP_KILL_PART: part = '1/1' } = process.env;
/** Undisturbed. */
const RUNS_MEASURED = 3;
/** The middle one of so many runs says how far the moments are spread: the first of a life is slower than all others. */
const RUNS_COUNTED = 5;
/** Steps of this size along a line of length 1, from its end to its beginning, spread evenly however many there are. */
const GOLDEN_RATIO = (Math.sqrt(5) - 1) / 2;
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

  for (const operation of partOf(OPERATIONS, part)) {
    asRoot(`${operation.title} is whole or absent, killed at ${moments} moments`, async () => {
      try {
        const lost = await spread(runsOf(operation, ground, furnished), moments);
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

interface Runs {
  readonly durationOf: () => Promise<number>;
  readonly killIn: (afterMs: number) => Promise<Killed>;
}

/** Of one daemon that lives on, or of one for each. */
function runsOf(operation: Operation, ground: KillGround, furnished: () => Promise<Victim>): Runs {
  if (!operation.fresh) {
    return {
      durationOf: async () => (await furnished()).durationOf(operation),
      killIn: async (afterMs) => (await furnished()).killIn(operation, afterMs),
    };
  }
  return {
    durationOf: () => withVictim(ground, (victim) => victim.durationOf(operation)),
    killIn: (afterMs) =>
      withVictim(ground, async (victim) => {
        const killed = await victim.killIn(operation, afterMs);
        await victim.end();
        return killed;
      }),
  };
}

/** Answers how often it was killed before the answer. */
async function spread({ durationOf, killIn }: Runs, moments: number): Promise<number> {
  let lost = 0;
  const span = new Span();
  for (let run = 0; run < RUNS_MEASURED; run += 1) span.sees(await durationOf());
  for (let moment = 0; moment < moments; moment += 1) {
    const killed = await killIn(momentMs(moment, moments, span.ms));
    if (!killed.isAnswered) lost += 1;
    span.seesKilled(killed);
  }
  return lost;
}

/** How long an operation takes of late: in a young life, and beside one that watches the clock, it is not what it was undisturbed. */
class Span {
  readonly #lastMs: number[] = [];

  get ms(): number {
    return this.#lastMs.toSorted((one, other) => one - other)[this.#lastMs.length >> 1] ?? 0;
  }

  sees(tookMs: number): void {
    this.#lastMs.push(tookMs);
    if (this.#lastMs.length > RUNS_COUNTED) this.#lastMs.shift();
  }

  /** Of what was not answered it is known that it takes longer, which says something when that is longer than thought. */
  seesKilled({ isAnswered, tookMs }: Killed): void {
    if (isAnswered || tookMs > this.ms) this.sees(tookMs);
  }
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

/** Early ones and late ones by turns, so that what each shows helps to place the next; no two runs try the same. */
function momentMs(moment: number, moments: number, spanMs: number): number {
  return (((moment * GOLDEN_RATIO) % 1) + Math.random() / moments) * spanMs * (1 + BEYOND);
}
