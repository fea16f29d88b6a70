// The model of the contract against a whole daemon over its socket: no step of it is ours to order here, so this is what
// test/main/snapshots/model.test.ts does with a real process, a real wire and a real kill -9.
//
// THINSNAP_MODEL_SEED brings the calls of a run back, though not their order.

import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { removeAll } from '../clearing.ts';
import { type ConfigTable, type Daemon, startDaemon } from '../daemon.ts';
import { codeOf } from '../grpc-client.ts';
import { LOST } from '../kills/victim.ts';
import { asRootWith } from '../requirements.ts';
import type { SnapshotsClient } from '../snapshots-client.ts';
import { withTimeout } from '../with-timeout.ts';
import { filtersOf, toInfo } from './ask.ts';
import { type Answer, type Call, type Operation, type Outcome, type SnapshotKind, showOperation } from './calls.ts';
import { findContradiction, isChildInTheMaking, UndecidedError } from './linearizable.ts';
import { type Action, type Aim, CLIENTS, inFull, scenarioWith } from './scenarios.ts';

/** Made for a virtual machine without acceleration. */
const ROUND_LIMIT_MS = 600_000;
/** A client waits so often for what it is after: else most would find nothing, and be done before anything is made. */
const LOOKS_MAX = 20;
const LOOK_PAUSE_MS = 25;
/** From a call to the kill in its midst, at the longest. */
const KILL_AFTER_MS = 40;
const LIST_ALL: Call = { kind: 'List', only: 'all' };
/** The part of the rounds with kills that must be judged; of those without, all. */
const JUDGED_MIN = 0.9;
const NO_STANDBY = { perParent: 0, total: 0 };

const { THINSNAP_MODEL_SEED: given } = process.env;
const seed = given === undefined ? randomInt(2 ** 31) : Number(given);

/** What is there as far as anyone was told: only a guide to what is worth asking for. */
type Told = Map<string, SnapshotKind>;
type Asked = Extract<Action, { kind: 'call' }>;

class Round {
  readonly history: Operation[] = [];
  readonly #daemon: Daemon;
  /** The calls, counted from one, at which it is killed. */
  readonly #killsAt: ReadonlySet<number>;
  readonly #told: Told = new Map();
  readonly #inFlight = new Set<Promise<Outcome>>();
  /** Until the next life serves and was looked at; null: one does. */
  #away: Promise<void> | null = null;
  #kills = 0;
  #asked = 0;
  #stamps = 0;

  constructor(daemon: Daemon, killsAt: ReadonlySet<number>) {
    this.#daemon = daemon;
    this.#killsAt = killsAt;
  }

  async run(client: number, snapshots: SnapshotsClient, calls: readonly Asked[]): Promise<void> {
    for (const { call, aim } of calls) {
      for (let look = 0; look < LOOKS_MAX && isMissing(this.#told, aim); look += 1) await sleep(LOOK_PAUSE_MS);
      // Whoever asks a daemon that is away learns nothing.
      while (this.#away !== null) await this.#away;
      this.#asked += 1;
      const isLast = this.#killsAt.has(this.#asked);
      await Promise.all([
        this.ask(client, snapshots, inFull(aimed(this.#told, call, aim))),
        isLast ? this.#kill() : undefined,
      ]);
    }
  }

  async ask(client: number, snapshots: SnapshotsClient, call: Call): Promise<void> {
    const [kills, start] = [this.#kills, this.#stamp()];
    const startNs = BigInt(Date.now()) * 1_000_000n;
    const asked = outcomeOf(answerOf(snapshots, call));
    this.#inFlight.add(asked);
    const outcome = await asked;
    this.#inFlight.delete(asked);
    const operation: Operation = { client, call, start, startNs, end: this.#stamp(), outcome };
    this.history.push(operation);
    assert.ok(outcome.kind !== 'lost' || this.#kills > kills, `seed ${seed}: no kill, and ${showOperation(operation)}`);
    if (outcome.kind === 'done') note(this.#told, call);
  }

  /** Whether it could be judged: more may be possible than can be searched. */
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

  /**
   * Nobody asks while the daemon is away. Then one alone asks what is there: what nobody was told is known from there on, where
   * each such call would go on to double what is possible.
   */
  async #kill(): Promise<void> {
    await sleep(randomInt(KILL_AFTER_MS));
    while (this.#away !== null) await this.#away;
    this.#kills += 1;
    this.#away = this.#nextLife();
    await this.#away;
    this.#away = null;
  }

  async #nextLife(): Promise<void> {
    await this.#daemon.kill();
    await this.#daemon.start();
    await Promise.all(this.#inFlight);
    await this.ask(0, this.#daemon.client, LIST_ALL);
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
  /** In every second round, at any of its calls. */
  readonly kills: number;
}

/** One round of them all: whether it could be judged. */
async function play(daemon: Daemon, calls: readonly Asked[], kills: number): Promise<boolean> {
  // A round may be empty.
  const killsAt = Array.from({ length: kills }, () => 1 + randomInt(calls.length + 1));
  const round = new Round(daemon, new Set(killsAt));
  const clients = Array.from({ length: CLIENTS }, () => daemon.connect());
  try {
    const own = (client: number): readonly Asked[] => calls.filter((_, index) => index % CLIENTS === client);
    const work = Promise.all(clients.map((snapshots, client) => round.run(client, snapshots, own(client))));
    await withTimeout(work, ROUND_LIMIT_MS, `a round of seed ${seed}`);
    await round.ask(0, daemon.client, LIST_ALL);
  } finally {
    for (const client of clients) client.close();
  }
  const isJudged = round.check();
  await removeAll(daemon.client);
  return isJudged;
}

async function answerOf(client: SnapshotsClient, call: Call): Promise<Answer> {
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
  return LOST.has(code) ? { kind: 'lost' } : { kind: 'refused', code };
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

export function wireSuite(options: WireOptions): void {
  asRootWith(test, 'losetup')(
    'a daemon answers eight clients as the contract says, killed and started again',
    async () => {
      const daemon = await startDaemon({ config: options.config });
      try {
        const judged = await playAll(daemon, options);
        const { length: killed } = judged.killed;
        const [calmJudged, killedJudged] = [countOf(judged.calm), countOf(judged.killed)];
        const told = `seed ${seed}: ${calmJudged} of ${judged.calm.length} rounds without kills judged, ${killedJudged} of ${killed} with`;
        process.stdout.write(`${told}\n`);
        assert.ok(calmJudged === judged.calm.length && killedJudged >= killed * JUDGED_MIN, told);
        await daemon.stop();
      } finally {
        await daemon.remove();
      }
    },
  );
  test.run();
}

/** Whether each round could be judged. */
interface Judged {
  readonly calm: readonly boolean[];
  readonly killed: readonly boolean[];
}

async function playAll(daemon: Daemon, { rounds, scenarios: each, kills }: WireOptions): Promise<Judged> {
  const [calm, killed]: [boolean[], boolean[]] = [[], []];
  const scenarios = fc.sample(scenarioWith(NO_STANDBY), { numRuns: rounds * each, seed });
  for (let round = 0; round < rounds; round += 1) {
    const own = scenarios.slice(round * each, (round + 1) * each);
    const actions = own.flatMap((scenario) => scenario.actions.map(({ action }) => action));
    const calls = actions.filter((action) => action.kind === 'call');
    const isCalm = round % 2 === 0;
    const isJudged = await play(daemon, calls, isCalm ? 0 : kills);
    (isCalm ? calm : killed).push(isJudged);
  }
  return { calm, killed };
}

function countOf(judged: readonly boolean[]): number {
  return judged.filter(Boolean).length;
}
