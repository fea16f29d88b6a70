// What a soak measured from its beginning to its end: whether calls became slower, and memory and threads more.

/** From so many containers on, the first tenth and the last are enough of them to be compared. */
const TIMED_MIN = 10_000;
/**
 * The programme asks for 1.2, of a machine that has nothing else to do. Beside the work of others, times differ by more than that from
 * minute to minute; whatever grows with what came and went would differ by far more after so many.
 */
const P99_RATIO_MAX = 3;
/** Rounds that must be over before those after the first third are held against it. */
const ROUNDS_MIN = 9;
const MEMORY_RATIO_MAX = 1.5;
/** Workers start when there is work for them. */
const THREADS_MORE_MAX = 4;
const MIB = 2 ** 20;

export interface Figures {
  /** How long each Prepare took, in the order of each one who prepared. */
  readonly prepareMs: readonly (readonly number[])[];
  /** Resident, after each round. */
  readonly rssBytes: readonly number[];
  readonly threads: readonly number[];
}

export function showFigures({ prepareMs, rssBytes, threads }: Figures): string {
  const [first, last] = [tenthOf(prepareMs, 'first'), tenthOf(prepareMs, 'last')];
  const times = (all: readonly number[]): string =>
    `median ${at(all, 0.5).toFixed(1)} ms, p99 ${at(all, 0.99).toFixed(1)} ms`;
  return [
    `Prepare: ${times(first)} in the first tenth, ${times(last)} in the last: p99 ${(at(last, 0.99) / at(first, 0.99)).toFixed(2)} times as long`,
    `MiB in memory after each round: ${rssBytes.map((bytes) => Math.round(bytes / MIB)).join(', ')}`,
    `threads: ${threads.join(', ')}`,
  ].join('\n');
}

/** A sentence for each thing that became more than it may. */
export function findGrowth({ prepareMs, rssBytes, threads }: Figures): readonly string[] {
  const found: string[] = [];
  const count = prepareMs.reduce((sum, all) => sum + all.length, 0);
  const [first, last] = [at(tenthOf(prepareMs, 'first'), 0.99), at(tenthOf(prepareMs, 'last'), 0.99)];
  if (count >= TIMED_MIN && last > first * P99_RATIO_MAX) found.push(`p99 of Prepare grew from ${first} to ${last} ms`);
  if (rssBytes.length < ROUNDS_MIN) return found;
  const [memory, laterMemory] = mostOf(rssBytes);
  if (laterMemory > memory * MEMORY_RATIO_MAX) found.push(`memory grew from ${memory} to ${laterMemory} bytes`);
  const [number, laterNumber] = mostOf(threads);
  if (laterNumber > number + THREADS_MORE_MAX) found.push(`threads grew from ${number} to ${laterNumber}`);
  return found;
}

/** In the first third, and after it. */
function mostOf(each: readonly number[]): readonly [number, number] {
  const third = Math.ceil(each.length / 3);
  return [Math.max(...each.slice(0, third)), Math.max(...each.slice(third))];
}

/** Of all who prepare, each one's tenth; sorted. */
function tenthOf(prepareMs: Figures['prepareMs'], which: 'first' | 'last'): readonly number[] {
  const tenths = prepareMs.flatMap((all) => {
    const length = Math.ceil(all.length / 10);
    return which === 'first' ? all.slice(0, length) : all.slice(-length);
  });
  return tenths.sort((one, other) => one - other);
}

function at(sorted: readonly number[], part: number): number {
  return sorted[Math.floor(part * (sorted.length - 1))] ?? Number.NaN;
}
