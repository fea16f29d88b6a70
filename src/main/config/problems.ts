// Mistakes in a configuration: where each stands, what is wrong, what would be right. All of them are collected and
// thrown as one ConfigError whose message is ready to print.

import { FaultError } from '../../shared/faults.ts';

/** A text with the name that people know it by. */
export interface SourceText {
  readonly file: string;
  readonly text: string;
}

/** Offsets into a text, in UTF-16 units; `end` is exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Where a setting was given. `elements`: the spans of a list's elements, empty when it is no list. */
export type Where =
  | { readonly kind: 'text'; readonly source: SourceText; readonly span: Span; readonly elements: readonly Span[] }
  | { readonly kind: 'flag'; readonly flag: string };

export interface Problem {
  /** "FILE:LINE:COLUMN", "FILE" or "--flag". */
  readonly place: string;
  /** What could not be done, a colon, what was found and what would be right. */
  readonly message: string;
  /** The line itself and carets under what is meant; empty where there is no line. */
  readonly excerpt: readonly string[];
  /** Problems are shown by growing order: a file's from top to bottom, then those of flags. */
  readonly order: number;
}

// A terminal's width, about: a longer line is cut around what is meant.
const EXCERPT_MAX_CHARS = 110;
const EXCERPT_LEAD_CHARS = 40;

export class ConfigError extends FaultError {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const count = problems.length === 1 ? '1 mistake' : `${problems.length} mistakes`;
    super('invalid', [`Cannot use the configuration: ${count} found`, ...problems.map(formatProblem)].join('\n'));
    this.problems = problems;
  }
}

function formatProblem(problem: Problem): string {
  return [`${problem.place}: ${problem.message}`, ...problem.excerpt].join('\n');
}

/** `element`: which element of a list is meant, or null for the whole. */
export function problemAt(where: Where, message: string, element: number | null = null): Problem {
  if (where.kind === 'flag') return { place: where.flag, message, excerpt: [], order: Number.POSITIVE_INFINITY };
  const span = (element === null ? undefined : where.elements[element]) ?? where.span;
  const { line, column } = lineAndColumn(where.source.text, span.start);
  return {
    place: `${printable(where.source.file)}:${line}:${column}`,
    message,
    excerpt: excerptOf(where.source.text, span, line),
    order: span.start,
  };
}

export function problemOfFile(file: string, message: string): Problem {
  return { place: printable(file), message, excerpt: [], order: 0 };
}

/** Both from 1; a column is a character (code point), as editors count. */
export function lineAndColumn(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: characters(before.slice(lineStart)) + 1 };
}

/** `text` without what could move a terminal's cursor. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Bidi_C}]/gu, '\ufffd');
}

/** A value that someone wrote, quoted and cut to what fits in a message. */
export function quote(text: string): string {
  const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return printable(JSON.stringify(shown));
}

function excerptOf(text: string, span: Span, line: number): readonly string[] {
  const lineStart = text.lastIndexOf('\n', span.start - 1) + 1;
  const newline = text.indexOf('\n', span.start);
  const lineEnd = newline === -1 ? text.length : newline;
  const cut = Math.max(lineStart, Math.min(span.start - EXCERPT_LEAD_CHARS, lineEnd - EXCERPT_MAX_CHARS));
  const shownEnd = Math.min(lineEnd, cut + EXCERPT_MAX_CHARS);
  const marked = text.slice(span.start, Math.max(span.start, Math.min(span.end, shownEnd)));
  const gutter = String(line);
  const shown = printable(text.slice(cut, shownEnd).replaceAll('\t', ' ').replace(/\r$/, ''));
  const lead = ' '.repeat(characters(text.slice(cut, span.start)));
  const carets = '^'.repeat(Math.max(characters(marked.replace(/\r$/, '')), 1));
  return [`  ${gutter} | ${shown}`, `  ${' '.repeat(gutter.length)} | ${lead}${carets}`];
}

function characters(text: string): number {
  return Array.from(text).length;
}
