// All sequences of at most three operations, as CrashMonkey bounds its workloads (most bugs of file systems need no more): each
// operation works on what the sequence made last, or on what is made for it first.

import { after, type State, type Step } from './ledger.ts';

const OPERATIONS = ['prepare', 'child', 'view', 'commit', 'remove', 'update'] as const;
export type Operation = (typeof OPERATIONS)[number];
export type Sequence = readonly Operation[];
const LENGTH_MAX = 3;

/** The committed snapshot that is there before. */
export const LAYER = 'layer';
/** Makes it. */
export const PROLOGUE: readonly Step[] = [
  { kind: 'Prepare', key: 'first', parent: '' },
  { kind: 'Write', key: 'first', file: 'of-layer' },
  { kind: 'Commit', key: 'first', name: LAYER },
];

export function allSequences(): readonly Sequence[] {
  let longest: readonly Sequence[] = [[]];
  const all: Sequence[] = [];
  for (let length = 1; length <= LENGTH_MAX; length += 1) {
    longest = longest.flatMap((sequence) => OPERATIONS.map((operation) => [...sequence, operation]));
    all.push(...longest);
  }
  return all;
}

/** The steps of a sequence that begins with nothing but the layer, and of taking away what it made. */
export function stepsOf(sequence: Sequence, name: string): readonly Step[] {
  const layer = PROLOGUE.reduce<State>((made, step) => after(made, step), new Map());
  const steps: Step[] = [];
  let state = layer;
  const take = (step: Step): void => {
    steps.push(step);
    state = after(state, step);
  };
  const newest = (kind: 'active' | 'any'): string | null =>
    [...state].filter(([key, entry]) => key !== LAYER && (kind === 'any' || entry.kind === kind)).at(-1)?.[0] ?? null;
  const spare = (key: string): string => {
    take({ kind: 'Prepare', key, parent: LAYER });
    return key;
  };
  for (const [index, operation] of sequence.entries()) {
    const key = `${name}.${index + 1}`;
    const parent = [...state].filter(([, entry]) => entry.kind === 'committed').at(-1)?.[0] ?? LAYER;
    if (operation === 'prepare') take({ kind: 'Prepare', key, parent: '' });
    else if (operation === 'child') take({ kind: 'Prepare', key, parent });
    else if (operation === 'view') take({ kind: 'View', key, parent });
    else if (operation === 'commit') {
      const active = newest('active') ?? spare(`${key}.spare`);
      take({ kind: 'Write', key: active, file: `of-${key}` });
      take({ kind: 'Commit', key: active, name: key });
    } else if (operation === 'remove') take({ kind: 'Remove', key: newest('any') ?? spare(`${key}.spare`) });
    else take({ kind: 'Update', key: newest('any') ?? LAYER, label: key });
  }
  for (const key of [...state.keys()].reverse()) if (key !== LAYER) take({ kind: 'Remove', key });
  return steps;
}
