// Parses one filter of containerd's language (pkg/filters/parser.go) into selectors, all of which must hold:
//
//   selectors := selector ("," selector)*
//   selector  := fieldpath (operator value)?
//   fieldpath := field ("." field)*
//   field     := quoted | [A-Za-z0-9_-]+
//   operator  := "==" | "!=" | "~="
//   value     := quoted | a word that ends at a comma or white space
//   quoted    := "Go string"; the value of ~= may also stand between two "/" or two "|"

import { FaultError } from '../../../shared/faults.ts';
import { showText } from '../show-text.ts';
import { Scanner } from './scanner.ts';

export type Selector =
  | { readonly operator: 'present'; readonly path: Path }
  | { readonly operator: Operator; readonly path: Path; readonly value: string };

/** The first field, and the rest joined by ".": a label's key, however its parts were quoted. */
export interface Path {
  readonly field: string;
  readonly rest: string;
}

export type Operator = '==' | '!=' | '~=';

/** Characters of the filter shown on either side of the place where it fails. */
const CONTEXT_CHARS = 40;

export function parseSelectors(filter: string): readonly Selector[] {
  const scanner = new Scanner(filter);
  const selectors = [parseSelector(scanner)];
  while (scanner.peek() === ',') {
    scanner.scan('field');
    selectors.push(parseSelector(scanner));
  }
  const rest = scanner.peek();
  if (rest !== '') throw fault(scanner, scanner.position, `unexpected input: ${showText(rest)}`);
  return selectors;
}

function parseSelector(scanner: Scanner): Selector {
  const path = parsePath(scanner);
  const next = scanner.peek();
  if (next === ',' || next === '') return { operator: 'present', path };
  const operator = parseOperator(scanner);
  return { operator, path, value: parseWord(scanner, 'value', operator === '~=' ? '"/|' : '"') };
}

function parsePath(scanner: Scanner): Path {
  const field = parseWord(scanner, 'field', '"');
  const rest: string[] = [];
  while (scanner.peek() === '.') {
    scanner.scan('field');
    rest.push(parseWord(scanner, 'field', '"'));
  }
  return { field, rest: rest.join('.') };
}

function parseOperator(scanner: Scanner): Operator {
  const token = scanner.scan('field');
  if (token.kind === 'illegal') throw fault(scanner, token.start, token.problem);
  if (token.kind !== 'operator') throw fault(scanner, token.start, 'expected an operator ("=="|"!="|"~=")');
  switch (token.text) {
    case '==':
    case '!=':
    case '~=':
      return token.text;
    default:
      throw fault(scanner, token.start, `unsupported operator ${showText(token.text)}`);
  }
}

function parseWord(scanner: Scanner, word: 'field' | 'value', quotes: string): string {
  const token = scanner.scan(word);
  switch (token.kind) {
    case 'field':
    case 'value':
      return token.text;
    case 'quoted':
      if (!quotes.includes(token.quote)) throw fault(scanner, token.start, 'invalid quote encountered');
      return token.text;
    case 'illegal':
      throw fault(scanner, token.start, token.problem);
    case 'separator':
    case 'operator':
    case 'other':
    case 'end':
      throw fault(scanner, token.start, `expected ${word} or quoted`);
  }
}

/** The place is marked as containerd marks it, `[before >|here|< after]`; only a long filter is cut around it. */
function fault(scanner: Scanner, position: number, problem: string): FaultError {
  const { input } = scanner;
  const here = String.fromCodePoint(...[input.codePointAt(position)].filter((point) => point !== undefined));
  const before = shown(input.slice(Math.max(0, position - CONTEXT_CHARS), position));
  const after = shown(input.slice(position + here.length, position + here.length + CONTEXT_CHARS));
  const place = here === '' ? before : `${before} >|${shown(here)}|< ${after}`;
  return new FaultError('invalid', `Cannot use the filter: at ${position} in [${place}]: ${problem}`);
}

/** Control characters and lone surrogates escaped, quotes left as they are: what containerd shows. */
function shown(text: string): string {
  return JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll('\\\\', '\\');
}
