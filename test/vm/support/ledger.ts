// What a client was told, step by step: the state that it may count on, and the step that nobody has answered yet.

import * as assert from 'uvu/assert';
import type { Info } from '../../support/model/calls.ts';

export interface Entry {
  readonly kind: Info['kind'];
  readonly parent: string;
  readonly label: string;
  /** Files that are in it, each with the contents that its name asks for. */
  readonly files: readonly string[];
}

export type State = ReadonlyMap<string, Entry>;

export type Step =
  | { readonly kind: 'Prepare' | 'View'; readonly key: string; readonly parent: string }
  | { readonly kind: 'Commit'; readonly key: string; readonly name: string }
  | { readonly kind: 'Update'; readonly key: string; readonly label: string }
  | { readonly kind: 'Remove'; readonly key: string }
  /** A file that is synced before the step counts as done. */
  | { readonly kind: 'Write'; readonly key: string; readonly file: string };

export const LABEL = 'thinsnap.test/label';

export interface Moment {
  readonly state: State;
  /** Begun, and not acknowledged: whole or absent. */
  readonly pending: Step | null;
}

/** Of each client, by what its keys begin with; of nobody's keys by nothing. */
export type Moments = ReadonlyMap<string, Moment>;

/** `others`: what else there is to take snapshots of. */
export function after(state: State, step: Step, others: State = new Map()): State {
  const next = new Map(state);
  switch (step.kind) {
    case 'Prepare':
    case 'View': {
      const files = (state.get(step.parent) ?? others.get(step.parent))?.files ?? [];
      return next.set(step.key, {
        kind: step.kind === 'View' ? 'view' : 'active',
        parent: step.parent,
        label: '',
        files,
      });
    }
    case 'Commit': {
      const entry = entryOf(state, step.key);
      next.delete(step.key);
      return next.set(step.name, { ...entry, kind: 'committed', label: '' });
    }
    case 'Update':
      return next.set(step.key, { ...entryOf(state, step.key), label: step.label });
    case 'Remove':
      next.delete(step.key);
      return next;
    case 'Write': {
      const entry = entryOf(state, step.key);
      return next.set(step.key, { ...entry, files: [...entry.files, step.file] });
    }
  }
}

/** The state of each client's, of the two that are allowed; fails when what is there is neither. */
export function agreedByAll(moments: Moments, seen: readonly Info[]): Map<string, State> {
  const shared = moments.get('')?.state;
  return new Map(
    [...moments].map(([prefix, moment]) => [prefix, agreed(moment, ofClient(seen, prefix, moments), shared)]),
  );
}

function ofClient(seen: readonly Info[], prefix: string, moments: Moments): readonly Info[] {
  const others = [...moments.keys()].filter((each) => each !== prefix && each !== '');
  return seen.filter(({ key }) =>
    prefix === '' ? !others.some((each) => key.startsWith(each)) : key.startsWith(prefix),
  );
}

function agreed({ state, pending }: Moment, seen: readonly Info[], others: State = new Map()): State {
  const found = seen.map(({ key, kind, parent, labels }) => line(key, { kind, parent, label: labels[LABEL] ?? '' }));
  found.sort();
  if (found.join('\n') === textOf(state).join('\n')) return state;
  const whole = pending === null ? state : after(state, pending, others);
  const expected = textOf(whole).join('\n');
  const question = `${JSON.stringify(pending)} is not answered`;
  assert.ok(found.join('\n') === expected, `${question}; there is:\n${found.join('\n')}\ninstead of:\n${expected}`);
  return whole;
}

function textOf(state: State): readonly string[] {
  return [...state].map(([key, entry]) => line(key, entry)).sort();
}

function line(key: string, { kind, parent, label }: Omit<Entry, 'files'>): string {
  return `${key} ${kind} of ${JSON.stringify(parent)} ${label}`;
}

function entryOf(state: State, key: string): Entry {
  const entry = state.get(key);
  if (entry === undefined) throw new Error(`There is no ${key}`);
  return entry;
}

/** A client's side of it. */
export class Ledger {
  #state: State = new Map();
  #pending: Step | null = null;

  get moment(): Moment {
    return { state: this.#state, pending: this.#pending };
  }

  begin(step: Step): void {
    if (this.#pending !== null) throw new Error('One step is being asked for');
    this.#pending = step;
  }

  /** The step was acknowledged. */
  done(others: State = new Map()): void {
    if (this.#pending !== null) this.#state = after(this.#state, this.#pending, others);
    this.#pending = null;
  }

  /** What turned out to be there, and counts from now on. */
  settle(state: State): void {
    this.#state = state;
    this.#pending = null;
  }
}
