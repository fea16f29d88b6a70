// A whole run: the scenario, then rest; what is there is looked at, before and after another restart, and taken away
// again. Fails with the story of what no order of the calls explains, or of what was left over.

import { mock } from 'node:test';
import type { Operation } from './calls.ts';
import { findBroken } from './invariants.ts';
import { findContradiction, isChildInTheMaking } from './linearizable.ts';
import type { Scenario } from './scenarios.ts';
import { type Place, Simulation } from './simulation.ts';

/** Steps of the machine that a failure shows. */
const TRACE_SHOWN = 150;
/** Deeper than any chain of three names. */
const REMOVE_ROUNDS = 8;

export interface Played {
  /** For whoever compares two runs. */
  readonly steps: readonly string[];
  readonly calls: number;
}

export async function runScenario(place: Place, scenario: Scenario): Promise<Played> {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const simulation = new Simulation(place, scenario);
  // Not by `mock.method`, which remembers every call for as long as the process lives.
  Object.defineProperty(performance, 'now', { value: () => simulation.machine.world.passedMs, configurable: true });
  try {
    await simulation.play();
    await simulation.settle();
    checkRest(simulation, 'at rest');
    await look(simulation);
    await simulation.restart();
    await simulation.settle();
    checkRest(simulation, 'at rest after a restart');
    await look(simulation);
    await removeAll(simulation);
    checkRest(simulation, 'when all was removed');
    checkHistory(simulation);
    return { steps: simulation.machine.world.trace, calls: simulation.clients.sent.length };
  } catch (error) {
    const steps = simulation.machine.world.trace.slice(-TRACE_SHOWN).join(', ');
    throw new Error(`${error instanceof Error ? error.message : String(error)}\nThe steps: ${steps}`, { cause: error });
  } finally {
    Reflect.deleteProperty(performance, 'now');
    mock.timers.reset();
  }
}

/** Every snapshot as clients see it, on the record. */
async function look(simulation: Simulation): Promise<void> {
  await simulation.perform({ kind: 'List', only: 'all' });
  for (const { key, kind } of simulation.core.catalog.tables.snapshots.values()) {
    await simulation.perform({ kind: 'Usage', key });
    if (kind !== 'committed') await simulation.perform({ kind: 'Mounts', key });
  }
}

async function removeAll(simulation: Simulation): Promise<void> {
  const { snapshots } = simulation.core.catalog.tables;
  for (let round = 0; round < REMOVE_ROUNDS && snapshots.size > 0; round += 1) {
    for (const key of [...snapshots.keys()]) await simulation.perform({ kind: 'Remove', key });
  }
  await simulation.settle();
  if (snapshots.size > 0) throw new Error(`These cannot be removed: ${[...snapshots.keys()].join(', ')}`);
}

function checkRest(simulation: Simulation, when: string): void {
  const broken = [...simulation.clients.failures, ...findBroken(simulation.core, simulation.machine.pool)];
  if (broken.length > 0) throw new Error(`Broken ${when}: ${broken.join('; ')}`);
}

function checkHistory({ clients: { history, sent } }: Simulation): void {
  const mayBeRefused = (operation: Operation): boolean => isChildInTheMaking(operation, sent);
  const contradiction = findContradiction(history, { mayBeRefused });
  if (contradiction !== null) throw new Error(contradiction);
}
