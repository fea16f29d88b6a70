// Chance that can be had again: the same seed gives the same numbers.

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

/** So many of them, in their order; `all` for all. */
export function drawn<Item>(items: readonly Item[], wanted: string, random: Random = Math.random): readonly Item[] {
  const left = [...items];
  const excess = wanted === 'all' ? 0 : Math.max(0, items.length - Number(wanted));
  for (let times = 0; times < excess; times += 1) left.splice(Math.floor(random() * left.length), 1);
  return left;
}
