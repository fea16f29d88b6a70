// Whether some order explains a history: each operation takes effect at one moment between its start and its end, and
// one after another they answer what the contract says. (Wing and Gong's search, an end at a time as in Lowe's "Testing
// for linearizability"; what nobody was told of may have taken effect until its end, or never.)
//
// The search goes through the history once and keeps every state that is possible so far, with the operations in flight
// that have taken effect in it. The whole history is checked as one: parents and children tie the keys together, and what
// is in flight at one time is never more than a few operations per client.

import { type Operation, showOperation } from './calls.ts';
import { after, EMPTY, type State, showState } from './contract.ts';

/** Operations before the one that nothing explains that a failure shows. */
const SHOWN = 60;

/** At one moment. What nobody was told of multiplies them, and a search among more takes hours. */
const STATES_MAX = 100_000;

/** More is possible than can be searched. */
export class UndecidedError extends Error {
  override readonly name = 'UndecidedError';
}

interface Possible {
  readonly state: State;
  /** Operations in flight that have taken effect. */
  readonly effective: ReadonlySet<Operation>;
}

export interface CheckOptions {
  /** Whether an operation may be refused as it was without a rule being broken: another was in its way. */
  readonly mayBeRefused: (operation: Operation) => boolean;
  /** For a test of the search. */
  readonly statesMax?: number;
}

/** Null when some order explains the history; else what does not fit, with what came before. Throws an UndecidedError. */
export function findContradiction(history: readonly Operation[], options: CheckOptions): string | null {
  const { statesMax = STATES_MAX } = options;
  const numbers = new Map(history.map((operation, index) => [operation, index]));
  const keyOf = ({ state, effective }: Possible): string => {
    const flying = [...effective].map((operation) => numbers.get(operation) ?? -1).sort((a, b) => a - b);
    return `${flying.join(',')}\n${showState(state)}`;
  };
  const inFlight = new Set<Operation>();
  let possible: Possible[] = [{ state: EMPTY, effective: new Set() }];
  for (const { operation, what } of eventsOf(history)) {
    if (what === 'start') {
      inFlight.add(operation);
      continue;
    }
    // What nobody was told of may have been done by now, and may be not at all.
    const explained = [...(operation.outcome.kind === 'lost' ? possible : []), ...explain(possible, operation)];
    inFlight.delete(operation);
    const left = new Map<string, Possible>();
    for (const { state, effective } of explained) {
      const rest = { state, effective: new Set([...effective].filter((other) => other !== operation)) };
      left.set(keyOf(rest), rest);
    }
    if (left.size === 0) return contradiction(history, operation, possible);
    possible = [...left.values()];
  }
  return null;

  /** All that is possible once `last` has taken effect, and before it whatever else is in flight. */
  function explain(from: readonly Possible[], last: Operation): Possible[] {
    const found: Possible[] = [];
    const queue: Possible[] = [];
    const known = new Set<string>();
    const add = (state: State, effective: ReadonlySet<Operation>): void => {
      const one = { state, effective: withUnnoticed(state, effective) };
      const key = keyOf(one);
      if (known.has(key)) return;
      if (known.size === statesMax) throw new UndecidedError(`More than ${statesMax} states are possible`);
      known.add(key);
      (one.effective.has(last) ? found : queue).push(one);
    };
    for (const { state, effective } of from) add(state, effective);
    for (let one = queue.pop(); one !== undefined; one = queue.pop()) {
      for (const operation of inFlight) {
        const state = one.effective.has(operation) ? null : next(one.state, operation);
        if (state !== null) add(state, new Set([...one.effective, operation]));
      }
    }
    return found;
  }

  /** What leaves the state as it is may as well take effect at once: nothing becomes possible by its waiting. */
  function withUnnoticed(state: State, effective: ReadonlySet<Operation>): ReadonlySet<Operation> {
    const all = new Set(effective);
    for (const operation of inFlight) if (!all.has(operation) && next(state, operation) === state) all.add(operation);
    return all;
  }

  function next(state: State, operation: Operation): State | null {
    const { outcome } = operation;
    if (outcome.kind === 'refused' && options.mayBeRefused(operation)) return state;
    return after(state, operation);
  }
}

/**
 * A child in the making holds its parent, and may come to nothing after that: a Remove of the parent meanwhile is
 * refused, although no order of whole calls says why.
 */
export function isChildInTheMaking(
  { call, start, end, outcome }: Operation,
  sent: readonly Pick<Operation, 'call' | 'start' | 'end'>[],
): boolean {
  if (call.kind !== 'Remove' || outcome.kind !== 'refused' || outcome.code !== 'FAILED_PRECONDITION') return false;
  return sent.some((other) => {
    const isChild = other.call.kind === 'Prepare' || other.call.kind === 'View';
    return isChild && other.call.parent === call.key && other.start < end && other.end > start;
  });
}

type Event = { readonly operation: Operation; readonly what: 'start' | 'end' };

function eventsOf(history: readonly Operation[]): Event[] {
  const events: [number, Event][] = history.flatMap((operation) => [
    [operation.start, { operation, what: 'start' }],
    [operation.end, { operation, what: 'end' }],
  ]);
  return events.sort(([a], [b]) => a - b).map(([, event]) => event);
}

function contradiction(history: readonly Operation[], operation: Operation, before: readonly Possible[]): string {
  const told = history.filter(({ start }) => start <= operation.end).sort((a, b) => a.start - b.start);
  const states = before.slice(0, 3).map(({ state }) => showState(state) || '(nothing)');
  return [
    `No order of the calls explains ${showOperation(operation)}`,
    ...told.slice(-SHOWN).map((other) => `  ${other === operation ? '>' : ' '} ${showOperation(other)}`),
    `What was possible before it (${before.length}, of which ${states.length} are shown):`,
    ...states,
  ].join('\n');
}
