// What a daemon is killed in: each operation that changes something, with what must be there before it.

import { cleanup, commit, prepare, remove, type Step, update, view } from '../failpoints/steps.ts';

/** Committed, with a file in it; there all the time. */
export const LAYER = 'layer';

export interface Operation {
  readonly title: string;
  /** By a daemon that has never made a file system yet: each moment is another's. */
  readonly fresh: boolean;
  /** Done before, undisturbed. */
  readonly before: (key: string) => readonly Step[];
  readonly step: (key: string) => Step;
  /** What is there afterwards and holds what the layer holds; null: nothing is. */
  readonly made: ((key: string) => string) | null;
}

const NOTHING = (): readonly Step[] => [];
const nameOf = (key: string): string => `${key}-committed`;
const own = (key: string): string => key;

export const OPERATIONS: readonly Operation[] = [
  { title: 'the first Prepare', fresh: true, before: NOTHING, step: (key) => prepare(key, ''), made: own },
  { title: 'Prepare', fresh: false, before: NOTHING, step: (key) => prepare(key, ''), made: own },
  { title: 'Prepare of a child', fresh: false, before: NOTHING, step: (key) => prepare(key, LAYER), made: own },
  { title: 'View', fresh: false, before: NOTHING, step: (key) => view(key, LAYER), made: own },
  {
    title: 'Commit',
    fresh: false,
    before: (key) => [prepare(key, LAYER)],
    step: (key) => commit(nameOf(key), key),
    made: nameOf,
  },
  { title: 'Remove', fresh: false, before: (key) => [prepare(key, LAYER)], step: remove, made: null },
  {
    title: 'Remove of a committed one',
    fresh: false,
    before: (key) => [prepare(key, LAYER), commit(nameOf(key), key)],
    step: (key) => remove(nameOf(key)),
    made: null,
  },
  {
    title: 'Update',
    fresh: false,
    before: NOTHING,
    step: (key) => update(LAYER, { 'killed/at': key }),
    made: null,
  },
  {
    title: 'Cleanup',
    fresh: false,
    // Removed, and not deleted yet as a rule.
    before: (key) => [
      prepare(key, LAYER),
      prepare(`${key}-too`, LAYER),
      commit(nameOf(key), key),
      remove(nameOf(key)),
      remove(`${key}-too`),
    ],
    step: () => cleanup(),
    made: null,
  },
];
