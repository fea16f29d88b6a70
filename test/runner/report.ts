// What is said of a run: at once on standard output, and what failed once more at its end, where nobody has to look for it among
// thousands of lines, and where a CI that keeps the end of an output has it.

import { plain } from './counts.ts';

/** A line about a test, by uvu, or about a file, by this runner: "  FAIL  ...". */
const FAILED = /^ {2,3}FAIL +\S/;
/** What follows such a line: the message, the difference, where. */
const LINES_EACH = 15;
const FAILURES_MAX = 40;
const LINE_CHARS_MAX = 300;

/** The failures in an output that comes in pieces. */
export class Failures {
  /** Of those after the first FAILURES_MAX nothing is kept but their number. */
  readonly #found: string[][] = [];
  #rest = '';

  take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#takeLine(plain(line).slice(0, LINE_CHARS_MAX));
  }

  #takeLine(line: string): void {
    if (FAILED.test(line)) this.#found.push([]);
    const entry = this.#found.at(-1);
    if (entry !== undefined && this.#found.length <= FAILURES_MAX && entry.length < LINES_EACH) entry.push(line);
  }

  toString(): string {
    const told = this.#found.slice(0, FAILURES_MAX).map((lines) => lines.join('\n').trimEnd());
    const more = this.#found.length - told.length;
    return [...told, ...(more > 0 ? [`and ${more} more`] : [])].join('\n');
  }
}

const failures = new Failures();

/** To standard output, as it is. */
export function say(text: string): void {
  failures.take(text);
  process.stdout.write(text);
}

export function print(line: string): void {
  say(`${line}\n`);
}

/** Everything that has failed by now. */
export function failuresSaid(): string {
  return failures.toString();
}
