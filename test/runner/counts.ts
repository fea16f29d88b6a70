// What uvu says about a run, read from its output. uvu ends with 0 when a `before` hook throws, having run nothing
// (0.5.6, its runner() returns from a finally): so a run is judged by these counts, and its exit status comes second.

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const NO_COUNTS: Counts = { passed: 0, failed: 0, skipped: 0 };

export function addCounts(a: Counts, b: Counts): Counts {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one.
const COLOUR = /\u001b\[[0-9;]*m/g;
/** Without colours. */
export function plain(output: string): string {
  return output.replace(COLOUR, '');
}

//   Total:     3
//   Passed:    2
//   Skipped:   0
const SUMMARY = /^ {2}Total: +(\d+)\n {2}Passed: +(\d+)\n {2}Skipped: +(\d+)$/gm;

/** The counts of the last summary in `output`, null when there is none. */
export function parseCounts(output: string): Counts | null {
  const last = [...plain(output).matchAll(SUMMARY)].at(-1);
  if (last === undefined) return null;
  const [total = 0, passed = 0, skipped = 0] = last.slice(1).map(Number);
  return { passed, failed: total - passed, skipped };
}

/** The files that uvu's command names in `output` without the "(2 / 2)" of a suite that ran something. */
export function filesWithoutTests(output: string): readonly string[] {
  const sections = plain(output).split(/^(\S+\.test\.js)$/m);
  const empty: string[] = [];
  for (let i = 1; i < sections.length; i += 2) {
    const suites = [...(sections[i + 1] ?? '').matchAll(/ \(\d+ \/ (\d+)\)$/gm)];
    if (!suites.some((suite) => Number(suite[1]) > 0)) empty.push(sections[i] ?? '');
  }
  return empty;
}

export function formatCounts(counts: Counts): string {
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
  return `${counts.passed} passed, ${counts.failed} failed${skipped}`;
}
