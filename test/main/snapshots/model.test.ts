// All calls at once against a model of the contract.
//
// The daemon is whole from the service down to the workers' door: a fake pool does what the kernel does, a disk of
// memory what LevelDB does. Every step of either waits until the scenario lets it go on (support/model/world.ts), so a
// run is an interleaving that its seed brings back, with kills between any two steps. fast-check's own scheduler would order
// the same steps, but it does not shrink its order and knows no process that dies; here the order is part of the
// scenario, and shrinks with it.
//
// What clients were answered is one history, and it must be explained by some order of the calls, each at one
// moment between its start and its end (support/model/linearizable.ts), as etcd and Porcupine do it. fast-check's
// `modelRun` would need to know beforehand what a call must answer, and with eight clients several answers are right.
//
// THINSNAP_MODEL_RUNS=100000 runs longer, THINSNAP_MODEL_SEEDS=100 that long for each of so many seeds, which are told with what they
// came to; THINSNAP_MODEL_SEED brings a run back; a failure names its seed, and the shortest form of what failed unless
// THINSNAP_MODEL_SHRINK=0. What it found once is in support/model/past-scenarios.ts.

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { StandbyLimits } from '../../../src/main/upkeep/standby.ts';
import { NO_STANDBY } from '../../support/core.ts';
import type { Call, Operation, Outcome } from '../../support/model/calls.ts';
import { makeStored } from '../../support/model/life.ts';
import { findContradiction, UndecidedError } from '../../support/model/linearizable.ts';
import { PAST_SCENARIOS } from '../../support/model/past-scenarios.ts';
import { runScenario } from '../../support/model/run-scenario.ts';
import { scenarioWith } from '../../support/model/scenarios.ts';
import type { Place } from '../../support/model/simulation.ts';
import { withScratch } from '../../support/scratch.ts';

/** Of each of the two. */
const RUNS = 400;

const {
  THINSNAP_MODEL_RUNS: runs,
  THINSNAP_MODEL_SEEDS: seedCount,
  THINSNAP_MODEL_SEED: givenSeed,
  THINSNAP_MODEL_PATH: path,
  THINSNAP_MODEL_SHRINK: shrink,
} = process.env;

const LIMITS: StandbyLimits = { perParent: 2, total: 3 };
const SAMPLES = 10;

const prepare: Call = { kind: 'Prepare', key: 'k', parent: '', labels: {} };
const remove: Call = { kind: 'Remove', key: 'k' };
const stat: Call = { kind: 'Stat', key: 'k' };
const OK: Outcome = { kind: 'done', answer: { kind: 'empty' } };
const LOST: Outcome = { kind: 'lost' };
const refused = (code: string): Outcome => ({ kind: 'refused', code });

function operation(call: Call, [start, end]: readonly [start: number, end: number], outcome: Outcome): Operation {
  return { client: 0, call, start, end, startNs: 0n, outcome };
}

/** Whether some order explains this history of one key. */
function isExplained(...history: readonly Operation[]): boolean {
  return findContradiction(history, { mayBeRefused: () => false }) === null;
}

test('findContradiction takes calls that overlap in either order, and others in theirs', () => {
  const made = operation(prepare, [1, 4], OK);
  assert.ok(isExplained(made, operation(stat, [2, 3], refused('NOT_FOUND'))));
  assert.ok(isExplained(made, operation(remove, [2, 3], OK), operation(stat, [5, 6], refused('NOT_FOUND'))));
  assert.not(isExplained(made, operation(stat, [5, 6], refused('NOT_FOUND'))));
  assert.not(isExplained(made, operation(prepare, [2, 3], OK)));
  assert.ok(isExplained(made, operation(prepare, [2, 3], refused('ALREADY_EXISTS'))));
  assert.not(isExplained(made, operation(stat, [2, 3], refused('INVALID_ARGUMENT'))));
});

test('findContradiction lets what nobody was told of be done or not, but nothing in between and not later', () => {
  const lost = operation(prepare, [1, 4], LOST);
  const gone = operation(remove, [5, 6], refused('NOT_FOUND'));
  assert.ok(isExplained(lost, gone));
  assert.ok(isExplained(lost, operation(remove, [5, 6], OK)));
  assert.not(isExplained(lost, gone, operation(remove, [7, 8], OK)));
  assert.not(isExplained(lost, operation(remove, [5, 6], OK), operation(remove, [7, 8], OK)));
});

test('findContradiction gives up when more is possible than it may search', () => {
  const lost = Array.from({ length: 5 }, (_, index) => operation({ ...prepare, key: `k${index}` }, [index, 99], LOST));
  const history = [...lost, operation(stat, [50, 51], refused('NOT_FOUND'))];
  const check = (statesMax: number) => findContradiction(history, { mayBeRefused: () => false, statesMax });
  assert.is(check(1000), null);
  assert.throws(
    () => check(10),
    (error: Error) => error instanceof UndecidedError,
  );
});

test('runScenario does the same again with the same scenario', async () => {
  await withScratch(async (root) => {
    const place = { root, stored: await makeStored(root) };
    for (const scenario of fc.sample(scenarioWith(LIMITS), SAMPLES)) {
      const [first, second] = [await runScenario(place, scenario), await runScenario(place, scenario)];
      // Not compared as lists: what is shown of two that differ would take minutes.
      assert.is(first.steps.join('\n') === second.steps.join('\n'), true);
    }
  });
});

for (const [name, limits] of [
  ['without standby', NO_STANDBY],
  ['with standby', LIMITS],
] as const) {
  test(`eight clients are answered as the contract says, whatever comes between, ${name}`, async () => {
    await withScratch(async (root) => {
      const place = { root, stored: await makeStored(root) };
      for (const seed of seeds()) await confirmRuns(place, limits, seed);
    });
  });
}

function seeds(): readonly number[] {
  if (givenSeed !== undefined) return [Number(givenSeed)];
  return Array.from({ length: Number(seedCount ?? 1) }, () => Math.floor(Math.random() * 2 ** 31));
}

async function confirmRuns(place: Place, limits: StandbyLimits, seed: number): Promise<void> {
  const since = performance.now();
  const numRuns = Number(runs ?? RUNS);
  let calls = 0;
  const holds = fc.asyncProperty(scenarioWith(limits), async (scenario) => {
    calls += (await runScenario(place, scenario)).calls;
  });
  const options = { numRuns, seed, includeErrorInReport: true, endOnFailure: shrink === '0' };
  await fc.assert(holds, { ...options, ...(path === undefined ? {} : { path }) });
  if (seedCount === undefined) return;
  const seconds = ((performance.now() - since) / 1000).toFixed(1);
  process.stdout.write(`seed ${seed}: ${numRuns} runs, ${calls} calls, ${seconds} s\n`);
}

for (const [symptom, scenario] of Object.entries(PAST_SCENARIOS)) {
  test(`the contract holds where once ${symptom}`, async () => {
    await withScratch(async (root) => {
      const place = { root, stored: await makeStored(root) };
      const holds = fc.asyncProperty(scenarioWith(scenario.settings.standby), async (one) => {
        await runScenario(place, one);
      });
      await fc.assert(holds, { numRuns: 1, examples: [[scenario]], includeErrorInReport: true });
    });
  });
}

test.run();
