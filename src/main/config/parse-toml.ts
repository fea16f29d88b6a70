// Parses a TOML text, and says of one that is no TOML where, in the same form as every other mistake. The parser gives
// a syntax error's place as `location.start`, a duplicate key's as `line` and `column` (toml 5.0.1, seen).

import { parse } from 'toml';
import * as v from 'valibot';
import { ConfigError, printable, problemAt, type SourceText, type Span } from './problems.ts';
import { locateToml } from './toml-places.ts';

// What peggy, which made the parser, throws; and what the parser's own code does.
const SYNTAX_ERROR = v.object({
  message: v.string(),
  location: v.object({ start: v.object({ offset: v.number() }) }),
  expected: v.array(v.object({ text: v.optional(v.string()) })),
  found: v.nullable(v.string()),
});
const OTHER_ERROR = v.object({ message: v.string(), line: v.number(), column: v.number() });

export type TomlTable = Readonly<Record<string, unknown>>;

const NESTING_MAX = 64;

/** Whole numbers come as bigint: a file that is mostly containerd's must not fail for a number that is not ours. */
export function parseToml(source: SourceText): TomlTable {
  try {
    const table: unknown = parse(source.text, { bigint: true, maxDepth: NESTING_MAX });
    return isTable(table) ? table : {};
  } catch (error) {
    const { offset, message } = explain(source.text, error);
    const span = wordAt(source.text, offset);
    throw new ConfigError([problemAt({ kind: 'text', source, span, elements: [] }, message)]);
  }
}

export function isTable(value: unknown): value is TomlTable {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function explain(text: string, error: unknown): { offset: number; message: string } {
  if (v.is(SYNTAX_ERROR, error)) {
    return { offset: error.location.start.offset, message: `Cannot read this as TOML: ${explainSyntax(error)}` };
  }
  if (!v.is(OTHER_ERROR, error)) throw error;
  const offset = offsetOf(text, error.line, error.column);
  const [, key] = /^Cannot redefine existing key '(.*)'\.$/s.exec(error.message) ?? [];
  if (key === undefined) return { offset, message: `Cannot read this as TOML: ${printable(error.message)}` };
  return { offset, message: `Cannot set ${printable(key)} twice: ${firstMention(text, offset, key)}` };
}

function explainSyntax(error: v.InferOutput<typeof SYNTAX_ERROR>): string {
  const literals = new Set(error.expected.map((choice) => choice.text));
  const found = describeFound(error.found);
  if (literals.has('"') && literals.has('true')) {
    return `found ${found} where a value must stand: text in quotes, a number, true, false or [a list]`;
  }
  if (literals.has('\\') || (literals.has("'") && !literals.has('"'))) {
    return isLineEnd(error.found)
      ? `found ${found} inside a text, whose closing quote is missing`
      : `found ${found}, which a text cannot hold`;
  }
  if (literals.has('=')) return `found ${found} where "=" must follow a key`;
  for (const close of [']', '}']) {
    if (literals.has(close)) return `found ${found} where ${literals.has(',') ? '"," or ' : ''}"${close}" must stand`;
  }
  if (literals.has('#') && literals.has('"')) return `found ${found} where a key or [table] must stand`;
  if (literals.has('#')) return `found ${found} where the line must end`;
  return printable(error.message);
}

function describeFound(found: string | null): string {
  if (found === null) return 'the end of the file';
  if (isLineEnd(found)) return 'the end of the line';
  return found === '"' ? `'"'` : printable(JSON.stringify(found));
}

function isLineEnd(found: string | null): boolean {
  return found === null || found === '\n' || found === '\r';
}

/** Where the key stood first: all before the second mention is sound TOML, so it can be searched. */
function firstMention(text: string, offset: number, key: string): string {
  for (const [id, place] of locateToml(text.slice(0, offset))) {
    const path: unknown = JSON.parse(id);
    // The parser names a path by its keys with dots between, those that need quotes in quotes.
    if (Array.isArray(path) && path.map((name) => quoteKey(String(name))).join('.') === key) {
      return `it stands in line ${text.slice(0, place.key.start).split('\n').length} already`;
    }
  }
  return 'it stands further up already';
}

function quoteKey(name: string): string {
  return /^[A-Za-z0-9_-]+$/.test(name) ? name : JSON.stringify(name);
}

function offsetOf(text: string, line: number, column: number): number {
  let start = 0;
  for (let current = 1; current < line; current += 1) start = text.indexOf('\n', start) + 1;
  return Math.min(start + column - 1, text.length);
}

/** From `offset` to the end of the word that stands there. */
function wordAt(text: string, offset: number): Span {
  const word = /^[^\s=,\]}]+/.exec(text.slice(offset, offset + 200));
  return { start: offset, end: offset + (word?.[0].length ?? 1) };
}
