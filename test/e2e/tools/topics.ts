// Tools that misbehave: hang, spin, flood, die, or do nothing and say that all is well. Their call has an answer within its limit,
// others are not held up, memory is bounded, and the same call goes well once the tool does, on a device of its own.
//
// THINSNAP_TOOL_ENDS: of how many uses the ends of the calls are waited for that a hung tool holds up, two minutes each; `all`: of each.
// All else is then done whole, too.

import { readdir } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { basesAreLeft, removeAll } from '../../support/clearing.ts';
import type { Begun, FakeTools } from '../../support/fake-tools.ts';
import { answerOf, codeOf } from '../../support/grpc-client.ts';
import { isAtWork } from '../../support/process-facts.ts';
import { withstand } from '../hostile/calm.ts';
import type { Stage } from '../stage.ts';
import { FAULT, type Origin, type Use } from './uses.ts';

const { THINSNAP_TOOL_ENDS: ends = '0' } = process.env;
const ENDS = ends === 'all' ? Number.POSITIVE_INFINITY : Number(ends);
export const WHOLE = ENDS > 0;

/** The daemon's own words: a client out of patience has others. */
const LATE = /^DEADLINE_EXCEEDED: Cannot (wait longer|finish) /;
/** Sizes of file systems: powers of two, for each test its own, and larger than what is made unless a size is asked for. */
const SMALLEST_EXPONENT = 27;
const BASES_MAX = 3;
const ROUNDS = { failing: 0, killed: 1, sleeping: 2, spinning: 3 } as const;

const HANGS = { sleeps: 'exec sleep 1000', spins: 'while :; do :; done' } as const;
type Hang = keyof typeof HANGS;
const HANG_NAMES: readonly Hang[] = ['sleeps', 'spins'];

export interface ToolGround {
  readonly fakes: FakeTools;
  readonly uses: readonly Use[];
  /** How the tools end that do not hang: scripts by what they do. */
  readonly failures: (use: Use) => Readonly<Record<string, string>>;
  /** Of how many uses a daemon is killed amid one that hangs; each is the next kind of hanging. */
  readonly killed: number;
  /** Calls of others, at once, while one hangs. */
  readonly others: number;
}

/** Scripts by what they do. A low status means something of its own to some tools. */
export function failuresOf(floodBytes: number): Readonly<Record<string, string>> {
  return {
    'dies by a signal': 'kill -9 $$',
    'floods its output and fails': `head -c ${floodBytes} /dev/zero; head -c ${floodBytes} /dev/zero >&2; exit 9`,
    'fails without a word': 'exit 9',
    'does nothing and ends well': 'exit 0',
  };
}

export function toolTopics(ground: ToolGround): readonly ((stage: Stage) => void)[] {
  return [failing, killed, ended, cleared].map((topic) => (stage: Stage) => topic(stage, new Trials(stage, ground)));
}

function failing(stage: Stage, trials: Trials): void {
  const { fakes, uses, failures } = trials.ground;
  for (const use of uses) {
    const scripts = Object.entries(failures(use));
    const how = scripts.map(([what]) => what).join(', ');
    stage.test(`a call has an answer, and goes well later, when ${use.title} ${how}`, async () => {
      const origin = await trials.origin(use, 'failing');
      for (const [what, script] of scripts) {
        const key = await trials.key(use, origin);
        await withstand(stage, () =>
          fakes.with(use, script, async () => {
            const code = await codeOf(use.call(stage, key, origin));
            assert.match(code, script === 'exit 0' ? use.idle : FAULT, what);
            await fakes.begun(use);
          }),
        );
      }
      await trials.goesWell(use, origin, await trials.key(use, origin));
    });
  }
}

function killed(stage: Stage, trials: Trials): void {
  const { uses, killed: sample } = trials.ground;
  for (const [index, use] of uses.slice(0, WHOLE ? uses.length : sample).entries()) {
    const hangs = WHOLE ? HANG_NAMES : HANG_NAMES.slice(index % 2, (index % 2) + 1);
    for (const hang of hangs) {
      stage.test(`others are not held up when ${use.title} ${hang}, and a kill and a start help`, async () => {
        const origin = await trials.origin(use, 'killed');
        const { end, pid } = await trials.hang(use, origin, hang);
        await trials.others(origin);
        await stage.daemon.kill();
        process.kill(-pid, 'SIGKILL');
        assert.match(await end, /^(UNAVAILABLE|CANCELLED|INTERNAL): /);
        await stage.daemon.start();
      });
    }
    stage.test(`the call goes well later that ${use.title} held up`, async () => {
      const origin = await trials.origin(use, 'killed');
      await trials.goesWell(use, origin, await trials.key(use, origin));
    });
  }
}

function ended(stage: Stage, trials: Trials): void {
  const { fakes, uses } = trials.ground;
  for (const use of uses.slice(0, ENDS)) {
    stage.test(
      `calls are answered within their limit when ${use.title} sleeps and spins, and go well later`,
      async () => {
        const origin = await trials.origin(use, 'sleeping');
        const hung: Hung[] = [];
        await withstand(stage, async () => {
          hung.push(await trials.hang(use, origin, 'sleeps'));
          hung.push(await trials.hang(use, await trials.origin(use, 'spinning'), 'spins'));
          await trials.others(origin);
          for (const { end } of hung) assert.match(await end, LATE);
        });
        // Some tools may take longer than the call that waits for them.
        for (const { pid } of hung) if (await isAtWork(pid)) process.kill(-pid, 'SIGKILL');
        const key = await trials.key(use, origin);
        await fakes.with(use, '', async () => {
          await trials.goesWell(use, origin, key);
          const { args } = await fakes.begun(use);
          for (const each of hung) assert.is.not(args, each.args, 'what it was at work on was used again');
        });
      },
    );
  }
}

function cleared(stage: Stage, { ground }: Trials): void {
  stage.test('of all that hung and failed nothing is left: storage holds what records name, bases alone', async () => {
    await removeAll(stage.client);
    await basesAreLeft(stage.daemon);
    await ground.fakes.remove();
  });
}

interface Hung extends Begun {
  /** How the call is answered. */
  readonly end: Promise<string>;
}

class Trials {
  readonly ground: ToolGround;
  readonly #stage: Stage;
  #parent: string | null = null;

  constructor(stage: Stage, ground: ToolGround) {
    this.#stage = stage;
    this.ground = ground;
  }

  async origin(use: Use, round: keyof typeof ROUNDS): Promise<Origin> {
    this.#parent ??= await this.#stage.layer();
    const exponent = SMALLEST_EXPONENT + BASES_MAX * ROUNDS[round] + this.ground.uses.indexOf(use);
    return { parent: this.#parent, sizeBytes: 2 ** exponent };
  }

  /** With what must be there before the call. */
  async key({ prepared }: Use, { parent }: Origin): Promise<string> {
    const key = this.#stage.key();
    if (prepared) await this.#stage.client.prepare(key, parent);
    // What comes after an answer would run the same tools.
    await this.#stage.client.cleanup();
    return key;
  }

  /** The call, of which the tool has begun to hang. */
  async hang(use: Use, origin: Origin, hang: Hang): Promise<Hung> {
    const { fakes } = this.ground;
    const key = await this.key(use, origin);
    return fakes.with(use, `trap '' TERM; ${HANGS[hang]}`, async () => {
      const end = answerOf(use.call(this.#stage, key, origin));
      return { end, ...(await fakes.begun(use)) };
    });
  }

  async others({ parent }: Origin): Promise<void> {
    const { client } = this.#stage;
    const keys = Array.from({ length: this.ground.others }, () => this.#stage.key());
    await Promise.all(keys.map((each) => client.prepare(each, parent)));
    await Promise.all(keys.map((each) => client.remove(each)));
  }

  async goesWell(use: Use, origin: Origin, key: string): Promise<void> {
    const stage = this.#stage;
    await stage.mounted(await use.call(stage, key, origin), async (dir) => {
      assert.equal(await readdir(dir), []);
    });
  }
}
