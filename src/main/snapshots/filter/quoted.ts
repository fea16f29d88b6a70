// Reads a quoted part of a filter: Go's string literal, with "/" and "|" as further quotes (containerd's
// pkg/filters/quote.go). Go knows no escapes but these, so a regular expression's \d is written \\d here.

export type Quoted =
  | { readonly problem: null; readonly end: number; readonly text: string }
  | { readonly problem: string; readonly end: number };

interface Escape {
  readonly end: number;
  readonly problem: string | null;
  readonly bytes: Uint8Array;
}

const BYTE_MAX = 0xff;
const CODE_POINT_MAX = 0x10ffff;
const NOTHING = new Uint8Array();

const SIMPLE: ReadonlyMap<string, string> = new Map([
  ['a', '\x07'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v'],
  ['\\', '\\'],
]);

/** Numeric escapes by what follows the backslash: digits, their base, and whether they name one byte or a code point. */
const NUMERIC: readonly { lead: RegExp; digits: RegExp; count: number; base: number; unit: 'byte' | 'code point' }[] = [
  { lead: /(?=[0-7])/y, digits: /[0-7]{0,3}/y, count: 3, base: 8, unit: 'byte' },
  { lead: /x/y, digits: /[0-9a-f]{0,2}/iy, count: 2, base: 16, unit: 'byte' },
  { lead: /u/y, digits: /[0-9a-f]{0,4}/iy, count: 4, base: 16, unit: 'code point' },
  { lead: /U/y, digits: /[0-9a-f]{0,8}/iy, count: 8, base: 16, unit: 'code point' },
];

/** Reads the literal whose opening quote is at `start`. It is read to its end even when an escape in it is wrong. */
export function readQuoted(input: string, start: number): Quoted {
  const quote = input.charAt(start);
  const parts: Uint8Array[] = [];
  let problem: string | null = null;
  let position = start + 1;
  for (;;) {
    const plain = takeAt(/[^"/|\\\n\0\uFFFD]*/y, input, position);
    parts.push(Buffer.from(plain));
    position += plain.length;
    const character = input.charAt(position);
    if (character === quote) break;
    if (character === '\\') {
      const escaped = readEscape(input, position + 1, quote);
      parts.push(escaped.bytes);
      problem ??= escaped.problem;
      position = escaped.end;
    } else if (character === '"' || character === '/' || character === '|') {
      parts.push(Buffer.from(character));
      position += 1;
    } else {
      return { problem: problem ?? unterminated(character), end: position + character.length };
    }
  }
  const end = position + 1;
  return problem === null ? { problem, end, text: toText(Buffer.concat(parts)) } : { problem, end };
}

/** Reads what follows a backslash. After a wrong escape reading goes on behind what was understood of it. */
function readEscape(input: string, position: number, quote: string): Escape {
  const character = input.charAt(position);
  const simple = character === quote ? quote : SIMPLE.get(character);
  if (simple !== undefined) return { end: position + 1, problem: null, bytes: Buffer.from(simple) };
  for (const { lead, digits, count, base, unit } of NUMERIC) {
    lead.lastIndex = position;
    if (!lead.test(input)) continue;
    const taken = takeAt(digits, input, lead.lastIndex);
    const end = lead.lastIndex + taken.length;
    const value = taken.length === count ? Number.parseInt(taken, base) : Number.POSITIVE_INFINITY;
    if (value > (unit === 'byte' ? BYTE_MAX : CODE_POINT_MAX)) {
      return { end, problem: 'illegal numeric escape sequence', bytes: NOTHING };
    }
    // A lone surrogate becomes U+FFFD, in Go and in Buffer.from alike.
    return {
      end,
      problem: null,
      bytes: unit === 'byte' ? Uint8Array.of(value) : Buffer.from(String.fromCodePoint(value)),
    };
  }
  return { end: position, problem: 'illegal escape sequence', bytes: NOTHING };
}

function unterminated(found: string): string {
  if (found === '\0') return 'unexpected null';
  return found === '\uFFFD' ? 'rune error' : 'quoted literal not terminated';
}

// Byte escapes can make what is no UTF-8. No name or label holds that, since protobuf carries none, and a lone
// surrogate says the same of a JavaScript string: it equals nothing that a client can have sent.
function toText(bytes: Buffer): string {
  const text = bytes.toString();
  return Buffer.from(text).equals(bytes) ? text : `\uD800${bytes.toString('latin1')}`;
}

function takeAt(pattern: RegExp, input: string, position: number): string {
  pattern.lastIndex = position;
  return pattern.exec(input)?.[0] ?? '';
}
