// Text that a client or a daemon sent, made fit for a terminal and a table: what could move the cursor, change colours,
// turn the direction of a line, or take no room or unexpected room is shown as an escape.

/** Characters that never reach an output. */
// C: controls, ESC and the C1 ones among them, what turns directions, halves of pairs, what is private or not assigned.
// DI and M: what is drawn with no width, or changes the width of what stands before it. Zl, Zp and all blanks but the
// plain one. The ranges: letters that run from right to left and pull their neighbours around with them.
const UNSAFE =
  /[\p{C}\p{DI}\p{M}\p{Zl}\p{Zp}\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]|(?! )\p{Zs}/gu;
const NOT_ASCII = /[^ -~]/gu;
/** Neither empty nor quoted; no blank at its ends, which nobody would see, and no two together, as between columns. */
const BARE = /^(?!.* {2})[^" ](.*[^ ])?$/su;

/** Terminals draw these in two columns: East Asian Wide and Fullwidth (UAX #11), in blocks, and emoji. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18aff}\u{1b000}-\u{1b2ff}\u{1f200}-\u{1f2ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
const NARROW_ONLY = /^[ -~]*$/;
const NARROW_LINES = /^[ -~\n]*$/;

export interface TextOptions {
  /** Whether the output shows more than ASCII. */
  readonly unicode: boolean;
}

/**
 * A key, a name or a label on one line: as it is where nothing in it is unsafe and it could not be taken for a quoted
 * one, else in double quotes with JSON's escapes. So no two texts are shown alike.
 */
export function showKey(text: string, { unicode }: TextOptions): string {
  const isSafe = text.search(unicode ? UNSAFE : NOT_ASCII) === -1;
  if (isSafe && BARE.test(text)) return text;
  return escapeUnsafe(JSON.stringify(text), unicode);
}

/** As `showKey`, and in quotes also where it holds a blank: for lines where other words stand beside it. */
export function showWord(text: string, options: TextOptions): string {
  return text.includes(' ') ? escapeUnsafe(JSON.stringify(text), options.unicode) : showKey(text, options);
}

/** A message of several lines: its line feeds stay, everything else that is unsafe is escaped. */
export function plainLines(text: string): string {
  // Lists of 10,000 snapshots are some MiB, and seldom hold anything else.
  if (NARROW_LINES.test(text)) return text;
  return text
    .split('\n')
    .map((line) => escapeUnsafe(line, true))
    .join('\n');
}

/** A message on one line. */
export function plainLine(text: string, { unicode }: TextOptions): string {
  return escapeUnsafe(text, unicode);
}

/** Columns that a terminal needs for a text that is safe. */
export function widthOf(text: string): number {
  if (NARROW_ONLY.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

/** At most `columns` wide: the middle goes, since keys begin and end with what tells them apart. */
export function cutMiddle(text: string, columns: number, { unicode }: TextOptions): string {
  if (widthOf(text) <= columns) return text;
  const mark = unicode ? '…' : '~';
  const tail = Math.floor((columns - 1) / 2);
  if (columns <= 1) return mark.repeat(Math.max(0, columns));
  return head(text, columns - 1 - tail) + mark + reversed(head(reversed(text), tail));
}

/** At most `columns` wide: the end goes. */
export function cutEnd(text: string, columns: number, { unicode }: TextOptions): string {
  if (widthOf(text) <= columns) return text;
  return head(text, columns - 1) + (unicode ? '…' : '~');
}

function head(text: string, columns: number): string {
  let width = 0;
  let kept = '';
  for (const character of text) {
    width += characterWidth(character);
    if (width > columns) break;
    kept += character;
  }
  return kept;
}

function reversed(text: string): string {
  return Array.from(text).reverse().join('');
}

function characterWidth(character: string): number {
  return WIDE.test(character) ? 2 : 1;
}

function escapeUnsafe(text: string, unicode: boolean): string {
  const escaped = text.replaceAll(UNSAFE, escapeOne);
  return unicode ? escaped : escaped.replaceAll(NOT_ASCII, escapeOne);
}

/** As JSON does, so that what is quoted can be read back. */
function escapeOne(character: string): string {
  return Array.from({ length: character.length }, (_, index) => {
    return `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`;
  }).join('');
}
