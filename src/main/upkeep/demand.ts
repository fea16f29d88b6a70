// How much a parent is in demand: how many snapshots of it should stand ready. Two memories fade at the same rate: how
// many were asked for at all (is it worth anything?), and how many at most within one burst (how many, then?).

/** After this long without a Prepare, half of what was seen is forgotten. */
const HALF_LIFE_MS = 300_000;
/** Prepares that come within this time count as one burst. */
const BURST_MS = 10_000;
/** Below it a parent is cold. A layer that is unpacked is prepared once, for the next one, and must not count. */
const WARM_COUNT = 1.5;
/** Below it nothing is worth remembering. */
const FORGOTTEN_COUNT = 0.1;

export class Demand {
  #atMs: number;
  #count = 0;
  #peak = 0;
  #burst = 0;
  #burstEndMs = 0;

  /** Times are of a clock that only goes forward, in milliseconds. */
  constructor(nowMs: number) {
    this.#atMs = nowMs;
  }

  /** One more was asked for. */
  note(nowMs: number): void {
    this.#fade(nowMs);
    if (nowMs >= this.#burstEndMs) {
      this.#burst = 0;
      this.#burstEndMs = nowMs + BURST_MS;
    }
    this.#burst += 1;
    this.#count += 1;
    this.#peak = Math.max(this.#peak, this.#burst);
  }

  /** As if `ready` had been asked for in one burst just now: what a start finds standing ready was wanted before it. */
  assume(ready: number, nowMs: number): void {
    this.#fade(nowMs);
    this.#count = Math.max(this.#count, ready, WARM_COUNT);
    this.#peak = Math.max(this.#peak, ready);
  }

  /** How many should stand ready; 0 when it is cold. */
  wanted(nowMs: number): number {
    this.#fade(nowMs);
    return this.#count < WARM_COUNT ? 0 : Math.ceil(this.#peak - FORGOTTEN_COUNT);
  }

  isForgotten(nowMs: number): boolean {
    this.#fade(nowMs);
    return this.#count < FORGOTTEN_COUNT;
  }

  /** To compare parents by: how many were asked for lately. */
  get heat(): number {
    return this.#count;
  }

  #fade(nowMs: number): void {
    const left = 0.5 ** ((nowMs - this.#atMs) / HALF_LIFE_MS);
    this.#atMs = nowMs;
    this.#count *= left;
    this.#peak *= left;
  }
}
