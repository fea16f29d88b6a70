// The time that snapshots are stamped with: containerd expects better than the milliseconds of a JavaScript Date.
// Date.now() says which millisecond it is, the monotonic clock how far into it we are; the two are tied by an anchor.
//
// Invariant: the anchor is never too small, so no stamp is earlier than the call by the machine's own clock. It may
// be too large by as much as one millisecond after the machine's clock was set; every later call can only lower that.

const NS_PER_MS = 1_000_000n;
const NS_PER_SECOND = 1_000_000_000n;

/** Ticks of the wall clock that are looked at: this thread may be held up at one of them, and not at all. */
const ALIGN_TICKS = 3;
/** Looks at the wall clock while waiting for them: some 10 ms. */
const ALIGN_READS_MAX = 100_000;

export interface Timestamp {
  readonly seconds: bigint;
  readonly nanos: number;
}

export interface TimeSources {
  /** Wall time in whole milliseconds, rounded down. */
  wallMs(): number;
  /** Nanoseconds that only go forward, at the wall clock's rate. */
  monotonicNs(): bigint;
}

const MACHINE: TimeSources = {
  wallMs: () => Date.now(),
  monotonicNs: () => process.hrtime.bigint(),
};

export class Clock {
  readonly #sources: TimeSources;
  /** Wall time less monotonic time. */
  #anchorNs: bigint;

  /** Spins for up to three milliseconds, to see the wall clock tick. */
  constructor(sources: TimeSources = MACHINE) {
    this.#sources = sources;
    this.#anchorNs = align(sources);
  }

  /** Wall time to the nanosecond. Follows when the machine's clock is set, forward and back. */
  now(): Timestamp {
    const startNs = this.#sources.monotonicNs();
    const firstNs = BigInt(this.#sources.wallMs()) * NS_PER_MS;
    const endNs = this.#sources.monotonicNs();
    const lastNs = firstNs + NS_PER_MS - 1n;
    // The wall clock was read between the two others: only what no moment between them explains is a wrong anchor.
    const tooLarge = startNs + this.#anchorNs > lastNs;
    const tooSmall = endNs + this.#anchorNs < firstNs;
    if (tooLarge || tooSmall) this.#anchorNs = lastNs - startNs;
    const timeNs = startNs + this.#anchorNs;
    return { seconds: timeNs / NS_PER_SECOND, nanos: Number(timeNs % NS_PER_SECOND) };
  }
}

/** The least of the anchors as seen at each tick: it came after `beforeNs`, so none is too small, and too large by that look at most. */
function align(sources: TimeSources): bigint {
  let anchorNs: bigint | null = null;
  let ticks = 0;
  let tickMs = sources.wallMs();
  let beforeNs = sources.monotonicNs();
  for (let reads = 0; reads < ALIGN_READS_MAX && ticks < ALIGN_TICKS; reads += 1) {
    const lookNs = sources.monotonicNs();
    const wallMs = sources.wallMs();
    if (wallMs !== tickMs) {
      const seenNs = BigInt(wallMs) * NS_PER_MS - beforeNs;
      if (anchorNs === null || seenNs < anchorNs) anchorNs = seenNs;
      ticks += 1;
      tickMs = wallMs;
    }
    beforeNs = lookNs;
  }
  return anchorNs ?? (BigInt(tickMs) + 1n) * NS_PER_MS - 1n - beforeNs;
}
