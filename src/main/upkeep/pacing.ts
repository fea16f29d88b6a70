// When to look at space again. Writers fill a pool without asking us, so the pause follows how fast they were and how much is
// left; a look costs a worker 1.5 ms (one status, NOFLUSH).

import type { Space, Usage } from '../volumes/volumes.ts';

export const LOOK_PAUSE_MIN_MS = 250;
export const LOOK_PAUSE_MAX_MS = 5000;
/** Of what is left, what may be gone by the next look. */
const SHARE_OF_LEFT = 0.25;
/** Taken for granted of who has not written so far, in bytes a millisecond: a disk of today begins at once. */
const SUDDEN_DATA_RATE = 256 * 1024;
/** Random writes of one 64 KiB block each change up to three blocks of 4 KiB in the tree of a snapshot. */
const SUDDEN_METADATA_RATE = SUDDEN_DATA_RATE / 16;

export class Pacing {
  #last: { readonly space: Space; readonly atMs: number } | null = null;

  /** How long to pause, after a look that found this. */
  pauseAfter(space: Space, nowMs: number): number {
    const last = this.#last;
    this.#last = { space, atMs: nowMs };
    const elapsedMs = last === null ? 0 : nowMs - last.atMs;
    const rateOf = (now: Usage | null, before: Usage | null | undefined): number => {
      if (now === null || before === null || before === undefined || elapsedMs <= 0) return 0;
      return (now.usedBytes - before.usedBytes) / elapsedMs;
    };
    return Math.min(
      pauseFor(space.data, Math.max(SUDDEN_DATA_RATE, rateOf(space.data, last?.space.data))),
      pauseFor(space.metadata, Math.max(SUDDEN_METADATA_RATE, rateOf(space.metadata, last?.space.metadata))),
    );
  }
}

function pauseFor(usage: Usage | null, rate: number): number {
  if (usage === null) return LOOK_PAUSE_MAX_MS;
  const leftBytes = Math.max(0, usage.totalBytes - usage.usedBytes);
  return Math.min(LOOK_PAUSE_MAX_MS, Math.max(LOOK_PAUSE_MIN_MS, (leftBytes * SHARE_OF_LEFT) / rate));
}
