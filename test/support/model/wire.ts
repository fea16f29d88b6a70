// The model of the contract against a whole daemon over its socket: no step of it is ours to order here, so this is what
// test/main/snapshots/model.test.ts does with a real process, a real wire and a real kill -9.
//
// THINSNAP_MODEL_SEED brings the calls of a run back, though not their order.

import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ConfigTable, type Daemon, startDaemon } from '../daemon.ts';
import { codeOf } from '../grpc-client.ts';
import { asRootWith } from '../requirements.ts';
import type { SnapshotsClient } from '../snapshots-client.ts';
import { withTimeout } from '../with-timeout.ts';
import { filtersOf, toInfo } from './ask.ts';
import type { Answer, Call, Operation, Outcome, SnapshotKind } from './calls.ts';
import { findContradiction, isChildInTheMaking, UndecidedError } from './linearizable.ts';
import { type Action, type Aim, CLIENTS, inFull, scenarioWith } from './scenarios.ts';

/** Made for a virtual machine without acceleration. */
const ROUND_LIMIT_MS = 600_000;
/** A client waits so often for what it is after: else most would find nothing, and be done before anything is made. */
const LOOKS_MAX = 20;
const LOOK_PAUSE_MS = 25;
/** Whoever asks a daemon that is away learns nothing. */
const AWAY_PAUSE_MS = 500;
/** The part of all rounds that must be judged. */
const JUDGED_MIN = 0.75;
const NO_STANDBY = { perParent: 0, total: 0 };

const { THINSNAP_MODEL_SEED: given } = process.env;
const seed = given === undefined ? randomInt(2 ** 31) : Number(given);

/** What is there as far as anyone was told: only a guide to what is worth asking for. */
type Told = Map<string, SnapshotKind>;

class Round {
  readonly history: Operation[] = [];
  readonly #told: Told = new Map();
  #stamps = 0;

  async run(client: number, snapshots: SnapshotsClient, actions: readonly Action[]): Promise<void> {
    for (const action of actions) {
      if (action.kind !== 'call') continue;
      for (let look = 0; look < LOOKS_MAX && isMissing(this.#told, action.aim); look += 1) await sleep(LOOK_PAUSE_MS);
      const call = inFull(aimed(this.#told, action.call, action.aim));
      const start = this.#stamp();
      const startNs = BigInt(Date.now()) * 1_000_000n;
      const outcome = await outcomeOf(ask(snapshots, call));
      this.history.push({ client, call, start, startNs, end: this.#stamp(), outcome });
      if (outcome.kind === 'done') note(this.#told, call);
      if (outcome.kind === 'lost') await sleep(AWAY_PAUSE_MS);
    }
  }

  /** Whether it could be judged: a kill may leave more open than can be searched. */
  check(): boolean {
    const mayBeRefused = (operation: Operation): boolean => isChildInTheMaking(operation, this.history);
    try {
      const contradiction = findContradiction(this.history, { mayBeRefused });
      assert.ok(contradiction === null, `seed ${seed}: ${contradiction}`);
      return true;
    } catch (error) {
      if (error instanceof UndecidedError) return false;
      throw error;
    }
  }

  #stamp(): number {
    this.#stamps += 1;
    return this.#stamps;
  }
}

export interface WireOptions {
  readonly config: ConfigTable;
  readonly rounds: number;
  /** Each of the generator's scenarios is short; a round is several, one after another. */
  readonly scenarios: number;
  /** In every second round. */
  readonly kills: number;
  /** The longest time from a start to a kill; a round takes about as long. */
  readonly killBeforeMs: number;
}

async function play(
  daemon: Daemon,
  actions: readonly Action[],
  { kills, killBeforeMs }: Pick<WireOptions, 'kills' | 'killBeforeMs'>,
): Promise<boolean> {
  const round = new Round();
  const clients = Array.from({ length: CLIENTS }, () => daemon.connect());
  try {
    const own = (client: number): readonly Action[] => actions.filter((_, index) => index % CLIENTS === client);
    const work = Promise.all(clients.map((snapshots, client) => round.run(client, snapshots, own(client))));
    for (let kill = 0; kill < kills; kill += 1) {
      await sleep(randomInt(killBeforeMs));
      await daemon.kill();
      await daemon.start();
    }
    await withTimeout(work, ROUND_LIMIT_MS, `a round of seed ${seed}`);
    await round.run(0, daemon.client, [{ kind: 'call', call: { kind: 'List', only: 'all' }, aim: null }]);
  } finally {
    for (const client of clients) client.close();
  }
  const isJudged = round.check();
  await removeAll(daemon.client);
  return isJudged;
}

/** Children first: whatever has some is tried again. */
async function removeAll(client: SnapshotsClient): Promise<void> {
  for (let left = await client.list(); left.length > 0; left = await client.list()) {
    const ends = await Promise.all(left.map(({ name }) => codeOf(client.remove(name))));
    assert.ok(ends.includes('OK'), `seed ${seed}: none of ${ends.length} snapshots can be removed`);
  }
}

async function ask(client: SnapshotsClient, call: Call): Promise<Answer> {
  switch (call.kind) {
    case 'Prepare':
      return mountOf(await client.prepare(call.key, call.parent, call.labels));
    case 'View':
      return mountOf(await client.view(call.key, call.parent, call.labels));
    case 'Mounts':
      return mountOf(await client.mounts(call.key));
    case 'Commit':
      await client.commit(call.name, call.key, call.labels);
      return { kind: 'empty' };
    case 'Remove':
      await client.remove(call.key);
      return { kind: 'empty' };
    case 'Stat':
      return { kind: 'info', info: toInfo(await client.stat(call.key)) };
    case 'Update': {
      const info = await client.update({ name: call.key, labels: { ...call.labels } }, call.paths);
      return { kind: 'info', info: toInfo(info) };
    }
    case 'List':
      return { kind: 'infos', infos: (await client.list(...filtersOf(call))).map(toInfo) };
    case 'Usage':
      await client.usage(call.key);
      // What the file system's own blocks come to is not the model's to know.
      return { kind: 'size', bytes: null };
    case 'Cleanup':
      await client.cleanup();
      return { kind: 'empty' };
  }
}

function mountOf(mounts: Awaited<ReturnType<SnapshotsClient['mounts']>>): Answer {
  const [mount] = mounts;
  if (mount === undefined || mounts.length !== 1) throw new Error(`Answered ${mounts.length} mounts instead of one`);
  return { kind: 'mount', mount };
}

async function outcomeOf(answer: Promise<Answer>): Promise<Outcome> {
  const done = answer.then((value): Outcome => ({ kind: 'done', answer: value }));
  const code = await codeOf(answer);
  if (code === 'OK') return done;
  done.catch(() => undefined);
  // The connection broke: it was killed.
  return code === 'UNAVAILABLE' ? { kind: 'lost' } : { kind: 'refused', code };
}

function isMissing(told: Told, aim: Aim | null): boolean {
  return aim !== null && ![...told.values()].includes(aim.kind);
}

function aimed(told: Told, call: Call, aim: Aim | null): Call {
  const found = [...told].filter(([, kind]) => kind === aim?.kind).map(([key]) => key);
  const key = found[(aim?.nth ?? 0) % found.length];
  // This client cannot ask for a rebase.
  const asked = call.kind === 'Commit' ? { ...call, parent: '' } : call;
  if (key === undefined || !('key' in asked)) return asked;
  return asked.kind === 'Prepare' || asked.kind === 'View' ? { ...asked, parent: key } : { ...asked, key };
}

function note(told: Told, call: Call): void {
  if (call.kind === 'Prepare') told.set(call.key, 'active');
  if (call.kind === 'View') told.set(call.key, 'view');
  if (call.kind === 'Remove' || call.kind === 'Commit') told.delete(call.key);
  if (call.kind === 'Commit') told.set(call.name, 'committed');
}

export function wireSuite({ config, rounds, scenarios: each, kills, killBeforeMs }: WireOptions): void {
  asRootWith(test, 'losetup')(
    'a daemon answers eight clients as the contract says, killed and started again',
    async () => {
      const daemon = await startDaemon({ config });
      try {
        let judged = 0;
        const scenarios = fc.sample(scenarioWith(NO_STANDBY), { numRuns: rounds * each, seed });
        for (let round = 0; round < rounds; round += 1) {
          const own = scenarios.slice(round * each, (round + 1) * each);
          const actions = own.flatMap((scenario) => scenario.actions.map(({ action }) => action));
          const isJudged = await play(daemon, actions, { kills: round % 2 === 1 ? kills : 0, killBeforeMs });
          if (isJudged) judged += 1;
        }
        process.stdout.write(`seed ${seed}: ${judged} of ${rounds} rounds judged\n`);
        assert.ok(judged >= rounds * JUDGED_MIN, `seed ${seed}: ${judged} of ${rounds} rounds could be judged`);
        await daemon.stop();
      } finally {
        await daemon.remove();
      }
    },
  );
  test.run();
}
