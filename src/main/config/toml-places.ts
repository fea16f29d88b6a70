// Finds where each key and value of a TOML text stands, which the parser does not tell. It reads only what the parser
// accepted before, so it checks nothing: of a text that is no TOML its answer means nothing.

import { parse } from 'toml';
import type { Span } from './problems.ts';

export interface KeyPlace {
  /** The key as written; of a table, all that stands between its brackets. */
  readonly key: Span;
  /** The value as written; of a table, the same as `key`. */
  readonly value: Span;
  readonly elements: readonly Span[];
}

/** By `placeId` of the path. A table that is an element of a list has its number in the path, from 0. */
export type TomlPlaces = ReadonlyMap<string, KeyPlace>;

export function placeId(path: readonly string[]): string {
  return JSON.stringify(path);
}

interface Segment {
  readonly name: string;
  readonly span: Span;
}

interface Cursor {
  readonly text: string;
  readonly places: Map<string, KeyPlace>;
  at: number;
}

const BARE_KEY = /[A-Za-z0-9_-]+/y;
// A plain value (number, boolean, date) ends where something else must begin. A date may hold one blank.
const PLAIN_VALUE = /[^,\]}#\r\n]*/y;
const BLANKS = /[ \t]*/y;
const BLANKS_LINES_COMMENTS = /(?:[ \t\r\n]|#[^\n]*)*/y;

export function locateToml(text: string): TomlPlaces {
  const cursor: Cursor = { text, places: new Map(), at: 0 };
  const tableCounts = new Map<string, number>();
  let table: readonly string[] = [];
  skip(cursor, BLANKS_LINES_COMMENTS);
  while (cursor.at < text.length) {
    const start = cursor.at;
    if (text[cursor.at] === '[') table = scanHeader(cursor, tableCounts);
    else scanPair(cursor, table);
    skip(cursor, BLANKS_LINES_COMMENTS);
    if (cursor.at === start) break;
  }
  return cursor.places;
}

/** `[a.b]` or `[[a.b]]`: answers the path of what follows, with the numbers of the arrays of tables in it. */
function scanHeader(cursor: Cursor, tableCounts: Map<string, number>): readonly string[] {
  const isArray = cursor.text.startsWith('[[', cursor.at);
  cursor.at += isArray ? 2 : 1;
  const segments = scanKey(cursor);
  cursor.at += isArray ? 2 : 1;
  let path: readonly string[] = [];
  for (const [index, segment] of segments.entries()) {
    path = [...path, segment.name];
    const isLast = index === segments.length - 1;
    record(cursor, path, wholeKey(isLast ? segments : [segment]));
    const seen = tableCounts.get(placeId(path)) ?? 0;
    if (isArray && isLast) {
      tableCounts.set(placeId(path), seen + 1);
      path = [...path, String(seen)];
      record(cursor, path, wholeKey(segments));
    } else if (seen > 0) {
      path = [...path, String(seen - 1)];
    }
  }
  return path;
}

/** `a.b = value`, below `table`. */
function scanPair(cursor: Cursor, table: readonly string[]): void {
  const segments = scanKey(cursor);
  cursor.at += 1; // "="
  skip(cursor, BLANKS);
  let path = table;
  for (const segment of segments.slice(0, -1)) {
    path = [...path, segment.name];
    record(cursor, path, wholeKey([segment]));
  }
  path = [...path, segments.at(-1)?.name ?? ''];
  const { value, elements } = scanValue(cursor, path);
  record(cursor, path, { key: wholeKey(segments).key, value, elements });
}

/** A dotted key; the cursor ends behind the blanks that follow it. */
function scanKey(cursor: Cursor): readonly Segment[] {
  const segments: Segment[] = [];
  do {
    if (segments.length > 0) cursor.at += 1; // "."
    skip(cursor, BLANKS);
    const start = cursor.at;
    const isQuoted = cursor.text[start] === '"' || cursor.text[start] === "'";
    if (isQuoted) skipString(cursor);
    else skip(cursor, BARE_KEY);
    const written = cursor.text.slice(start, cursor.at);
    segments.push({ name: isQuoted ? unquote(written) : written, span: { start, end: cursor.at } });
    skip(cursor, BLANKS);
  } while (cursor.text[cursor.at] === '.');
  return segments;
}

function scanValue(cursor: Cursor, path: readonly string[]): { value: Span; elements: readonly Span[] } {
  const start = cursor.at;
  const first = cursor.text[start];
  const elements: Span[] = [];
  if (first === '"' || first === "'") {
    skipString(cursor);
  } else if (first === '[') {
    scanList(cursor, ']', () => {
      const element = scanValue(cursor, [...path, String(elements.length)]);
      elements.push(element.value);
    });
  } else if (first === '{') {
    scanList(cursor, '}', () => scanPair(cursor, path));
  } else {
    skip(cursor, PLAIN_VALUE);
    cursor.at = start + cursor.text.slice(start, cursor.at).trimEnd().length;
  }
  return { value: { start, end: cursor.at }, elements };
}

/** What stands between brackets, with commas: arrays, and inline tables, which may span lines since TOML 1.1. */
function scanList(cursor: Cursor, close: string, scanItem: () => void): void {
  cursor.at += 1;
  skip(cursor, BLANKS_LINES_COMMENTS);
  while (cursor.at < cursor.text.length && cursor.text[cursor.at] !== close) {
    const start = cursor.at;
    scanItem();
    skip(cursor, BLANKS_LINES_COMMENTS);
    if (cursor.text[cursor.at] === ',') cursor.at += 1;
    skip(cursor, BLANKS_LINES_COMMENTS);
    if (cursor.at === start) return;
  }
  cursor.at += 1;
}

function skipString(cursor: Cursor): void {
  const { text } = cursor;
  const mark = text.charAt(cursor.at);
  const isLong = text.startsWith(mark.repeat(3), cursor.at);
  const close = isLong ? mark.repeat(3) : mark;
  cursor.at += close.length;
  while (cursor.at < text.length && !text.startsWith(close, cursor.at)) {
    cursor.at += mark === '"' && text[cursor.at] === '\\' ? 2 : 1;
  }
  cursor.at += close.length;
  // One or two quotes right before the closing three belong to the string (toml.io, "Multi-line strings").
  for (let extra = 0; isLong && extra < 2 && text[cursor.at] === mark; extra += 1) cursor.at += 1;
}

function unquote(written: string): string {
  const table: unknown = parse(`${written} = 0`);
  return typeof table === 'object' && table !== null ? (Object.keys(table)[0] ?? '') : '';
}

function wholeKey(segments: readonly Segment[]): KeyPlace {
  const key = { start: segments[0]?.span.start ?? 0, end: segments.at(-1)?.span.end ?? 0 };
  return { key, value: key, elements: [] };
}

/** The first mention counts: a table may be named again by the tables in it. */
function record(cursor: Cursor, path: readonly string[], place: KeyPlace): void {
  const id = placeId(path);
  if (!cursor.places.has(id)) cursor.places.set(id, place);
}

function skip(cursor: Cursor, pattern: RegExp): void {
  pattern.lastIndex = cursor.at;
  if (pattern.test(cursor.text)) cursor.at = pattern.lastIndex;
}
