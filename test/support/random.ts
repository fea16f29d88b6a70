// Chance that can be had again: the same seed gives the same numbers.

import { randomInt } from 'node:crypto';

export type Random = () => number;

/** Numbers from 0 up to and without 1 (mulberry32). */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** So many of them at most, another choice each time. */
export function drawn<Item>(items: readonly Item[], atMost: number): readonly Item[] {
  const left = [...items];
  return Array.from({ length: Math.min(items.length, atMost) }, () => left.splice(randomInt(left.length), 1)).flat();
}
