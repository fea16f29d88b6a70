// Clients that do what comes to them, each with keys of its own, until they are told to end; what each was told is in its ledger.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../support/random.ts';
import type { CoreLife } from './core-life.ts';
import { Ledger, type State, type Step } from './ledger.ts';
import type { PowerRig } from './power-rig.ts';
import { LAYER } from './sequences.ts';

export const CLIENTS = 3;
/** Of one client: all of them are looked at after each end. */
const SNAPSHOTS_MAX = 4;
/** Between two steps, at most. */
const PAUSE_MS = 50;

export interface LoadOptions {
  readonly isEnding: () => boolean;
  /** A step was begun, which is in the ledger. */
  readonly onBegin?: () => void;
  /** It was answered, and `settle` has the ledger say so. */
  readonly onAnswer?: (settle: () => void) => Promise<void>;
}

/** All of them; `shared`: what belongs to all, and stays. */
export function loadClients(random: Random, shared: State): readonly LoadClient[] {
  return Array.from({ length: CLIENTS }, (_, index) => new LoadClient(`c${index + 1}-`, random, shared));
}

export class LoadClient {
  readonly prefix: string;
  readonly ledger = new Ledger();
  readonly #random: Random;
  readonly #shared: State;
  #made = 0;
  #answered = 0;

  /** `shared`: what belongs to all, and stays. */
  constructor(prefix: string, random: Random, shared: State) {
    this.prefix = prefix;
    this.#random = random;
    this.#shared = shared;
  }

  /** Steps that were acknowledged, in all lives. */
  get answered(): number {
    return this.#answered;
  }

  /** Ends with the first step that fails, which is then nobody's word. A step that fails before the end was told is a failure. */
  async run(rig: PowerRig, life: CoreLife, { isEnding, onBegin, onAnswer }: LoadOptions): Promise<void> {
    const settle = (): void => {
      this.ledger.done(this.#shared);
      this.#answered += 1;
    };
    while (!isEnding()) {
      const step = this.#next();
      this.ledger.begin(step);
      onBegin?.();
      try {
        await rig.take(life, step);
      } catch (error) {
        if (isEnding()) return;
        throw error;
      }
      if (onAnswer === undefined) settle();
      else await onAnswer(settle);
      await sleep(this.#random() * PAUSE_MS);
    }
  }

  #next(): Step {
    const { state } = this.ledger.moment;
    const keys = (...kinds: readonly string[]): readonly string[] =>
      [...state].filter(([, { kind }]) => kinds.includes(kind)).map(([key]) => key);
    this.#made += 1;
    const key = `${this.prefix}${this.#made}`;
    const parents = [LAYER, ...keys('committed')];
    const actives = keys('active');
    const parentsInUse = new Set([...state.values()].map(({ parent }) => parent));
    const steps: readonly (Step | null)[] = [
      { kind: 'Prepare', key, parent: this.#one(parents) ?? LAYER },
      { kind: 'Prepare', key, parent: this.#one(['', ...parents]) ?? LAYER },
      { kind: 'View', key, parent: this.#one(parents) ?? LAYER },
      this.#on(actives, (active) => ({ kind: 'Write', key: active, file: `of-${key}` })),
      this.#on(actives, (active) => ({ kind: 'Write', key: active, file: `of-${key}` })),
      this.#on(actives, (active) => ({ kind: 'Commit', key: active, name: key })),
      this.#on([...state.keys()], (any) => ({ kind: 'Update', key: any, label: key })),
      this.#on(
        [...state.keys()].filter((any) => !parentsInUse.has(any)),
        (any) => ({ kind: 'Remove', key: any }),
      ),
    ];
    const possible = steps.filter((step) => step !== null);
    const isFull = state.size >= SNAPSHOTS_MAX;
    const fitting = possible.filter(({ kind }) => !isFull || (kind !== 'Prepare' && kind !== 'View'));
    return this.#one(fitting) ?? { kind: 'Prepare', key, parent: LAYER };
  }

  #on(keys: readonly string[], step: (key: string) => Step): Step | null {
    const key = this.#one(keys);
    return key === null ? null : step(key);
  }

  #one<Item>(items: readonly Item[]): Item | null {
    return items[Math.floor(this.#random() * items.length)] ?? null;
  }
}
