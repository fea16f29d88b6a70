// Text in columns. On a terminal every line fits; elsewhere nothing is cut, since nobody knows the width.
// Cells must be safe already (plain-text.ts) and not coloured: a colour would count as columns.

import type { Writer } from '../writer.ts';
import { cutEnd, cutMiddle, widthOf } from './plain-text.ts';

/** What a column that shrinks keeps at least. */
const SHRUNK_MIN = 12;
const GAP = '  ';

export interface Column {
  readonly title: string;
  readonly align: 'left' | 'right';
  /** When the terminal is too narrow. */
  readonly gives: 'never' | 'shrinks' | 'goes';
}

/** `lead` stays whole when the text is cut. */
export type Cell = string | { readonly lead: string; readonly text: string };

type Screen = Pick<Writer, 'screen' | 'unicode'>;

/** A cell and the columns that it needs, which are counted once: tables may have 10,000 rows. */
interface Measured {
  readonly cell: Cell;
  readonly width: number;
}

/** The titles first; no blanks at a line's end. */
export function tableLines(columns: readonly Column[], rows: readonly (readonly Cell[])[], screen: Screen): string[] {
  const all = [columns.map(({ title }) => title), ...rows].map((row) => row.map(measure));
  const widest = columns.map((column, index) => ({
    ...column,
    index,
    width: all.reduce((most, row) => Math.max(most, row[index]?.width ?? 0), 0),
  }));
  const fitting =
    screen.screen === null ? widest : shrink(dropSome(widest, screen.screen.columns), screen.screen.columns);
  return all.map((row) => {
    const cells = fitting.map((column) => padded(row[column.index] ?? measure(''), column, screen));
    return fit(cells.join(GAP).trimEnd(), screen);
  });
}

function measure(cell: Cell): Measured {
  const width = typeof cell === 'string' ? widthOf(cell) : widthOf(cell.lead) + widthOf(cell.text);
  return { cell, width };
}

function padded({ cell, width }: Measured, column: Placed, screen: Screen): string {
  const isWhole = width <= column.width;
  const text = isWhole ? textOf(cell) : cutCell(cell, column.width, screen);
  const blanks = ' '.repeat(Math.max(0, column.width - (isWhole ? width : widthOf(text))));
  return column.align === 'right' ? blanks + text : text + blanks;
}

function textOf(cell: Cell): string {
  return typeof cell === 'string' ? cell : cell.lead + cell.text;
}

interface Placed extends Column {
  /** Of its cells in each row. */
  readonly index: number;
  readonly width: number;
}

function totalWidth(columns: readonly Placed[], widthOfOne: (column: Placed) => number): number {
  return columns.reduce((sum, column) => sum + widthOfOne(column), GAP.length * (columns.length - 1));
}

/** Without the last ones that may go, until the rest can fit. */
function dropSome(columns: readonly Placed[], screenColumns: number): readonly Placed[] {
  const least = totalWidth(columns, ({ gives, width }) => (gives === 'shrinks' ? Math.min(SHRUNK_MIN, width) : width));
  const last = columns.findLastIndex(({ gives }) => gives === 'goes');
  return least <= screenColumns || last === -1 ? columns : dropSome(columns.toSpliced(last, 1), screenColumns);
}

/** Takes from the widest column that shrinks, until all fit. */
function shrink(columns: readonly Placed[], screenColumns: number): readonly Placed[] {
  const widths = columns.map(({ width }) => width);
  for (let excess = totalWidth(columns, ({ width }) => width) - screenColumns; excess > 0; excess -= 1) {
    let widest = -1;
    for (const [index, { gives }] of columns.entries()) {
      const width = widths[index] ?? 0;
      if (gives === 'shrinks' && width > SHRUNK_MIN && width > (widths[widest] ?? 0)) widest = index;
    }
    if (widest === -1) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return columns.map((column, index) => ({ ...column, width: widths[index] ?? 0 }));
}

function cutCell(cell: Cell, width: number, screen: Screen): string {
  if (typeof cell === 'string') return cutMiddle(cell, width, screen);
  return cutMiddle(cell.lead + cutMiddle(cell.text, width - widthOf(cell.lead), screen), width, screen);
}

/** A line that is too long for the terminal all the same, cut. */
export function fit(line: string, { screen, unicode }: Screen): string {
  return screen === null ? line : cutEnd(line, screen.columns, { unicode });
}

/** A name and what it has, the latter folded under itself. */
export interface Pair {
  readonly name: string;
  readonly value: string;
}

/** Each pair as its lines: the name in its column, then the value. */
export function pairLines(pairs: readonly Pair[], screen: Screen): string[] {
  const width = Math.max(...pairs.map(({ name }) => name.length)) + GAP.length;
  return pairs.flatMap(({ name, value }) =>
    foldLine(value, screen, width).map((line, index) => (index === 0 ? name : '').padEnd(width) + line),
  );
}

/** Lines that fit beside `taken` columns; broken at blanks where there are any. */
export function foldLine(text: string, { screen }: Screen, taken: number): string[] {
  if (screen === null) return [text];
  const columns = Math.max(SHRUNK_MIN, screen.columns - taken);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (widthOf(longer) <= columns) {
      line = longer;
      continue;
    }
    if (line !== '') lines.push(line);
    const pieces = breakWord(word, columns);
    line = pieces.pop() ?? '';
    lines.push(...pieces);
  }
  return [...lines, line];
}

function breakWord(word: string, columns: number): string[] {
  const pieces: string[] = [];
  let piece = '';
  for (const character of word) {
    if (widthOf(piece + character) > columns) {
      pieces.push(piece);
      piece = '';
    }
    piece += character;
  }
  return [...pieces, piece];
}
