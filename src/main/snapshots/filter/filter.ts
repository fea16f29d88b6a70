// Which snapshots a List asks for: containerd's filter language over a snapshot's fields. The filters of a list are
// alternatives; no filter, or an empty one, asks for all. Where containerd finds no fault with a regular expression
// that does not compile (it logs and matches nothing), we answer that it is invalid.

import { RE2JS } from 're2js';
import { FaultError } from '../../../shared/faults.ts';
import { showText } from '../show-text.ts';
import { type Path, parseSelectors, type Selector } from './parser.ts';

/** Alternatives in one List. */
export const FILTERS_MAX = 4096;
/** Characters of all filters of one List: names may be long, and clients list many at once. */
export const FILTERS_CHARS_MAX = 1024 * 1024;
/** Instructions of one compiled regular expression: matching costs at most this times the text's length. */
export const REGEXP_PROGRAM_MAX = 10_000;

/** A snapshot as filters see it. */
export interface FilterSubject {
  readonly name: string;
  readonly parent: string;
  readonly kind: 'view' | 'active' | 'committed';
  readonly labels: ReadonlyMap<string, string>;
}

type Match = (subject: FilterSubject) => boolean;

/** Parses all of `filters` before the first snapshot is looked at. Fault `invalid` names the place and what is wrong. */
export function parseFilters(filters: readonly string[]): Match {
  if (filters.length > FILTERS_MAX) {
    throw new FaultError('invalid', `Cannot use ${filters.length} filters: at most ${FILTERS_MAX} fit one call`);
  }
  const chars = filters.reduce((sum, filter) => sum + filter.length, 0);
  if (chars > FILTERS_CHARS_MAX) {
    throw new FaultError(
      'invalid',
      `Cannot use filters of ${chars} characters: at most ${FILTERS_CHARS_MAX} fit one call`,
    );
  }
  const alternatives = filters.map(parseFilter);
  if (alternatives.length === 0) return matchAll;
  return (subject) => alternatives.some((matches) => matches(subject));
}

function matchAll(): boolean {
  return true;
}

function parseFilter(filter: string): Match {
  if (filter === '') return matchAll;
  const conditions = parseSelectors(filter).map(toMatch);
  return (subject) => conditions.every((matches) => matches(subject));
}

// A field that is absent reads as empty for != and ~=, so `labels.x!=y` holds where there is no x: containerd's rule.
function toMatch(selector: Selector): Match {
  const { path } = selector;
  switch (selector.operator) {
    case 'present':
      return (subject) => fieldOf(subject, path) !== undefined;
    case '==':
      return (subject) => fieldOf(subject, path) === selector.value;
    case '!=':
      return (subject) => (fieldOf(subject, path) ?? '') !== selector.value;
    case '~=': {
      const pattern = compile(selector.value);
      return (subject) => pattern.test(fieldOf(subject, path) ?? '');
    }
  }
}

/** Undefined: absent. Only labels look at what follows the first field; `name.x` is `name`, as in containerd. */
function fieldOf(subject: FilterSubject, path: Path): string | undefined {
  switch (path.field) {
    case 'name':
      return subject.name;
    case 'parent':
      return subject.parent;
    case 'kind':
      return subject.kind;
    case 'labels':
      return subject.labels.get(path.rest);
    default:
      return undefined;
  }
}

/** RE2's syntax as Go has it, matched in linear time: a filter can be slow only by its own length. */
function compile(source: string): RE2JS {
  // What is no UTF-8 was marked with a lone surrogate when it was unquoted; Go refuses it too.
  if (!isWellFormed(source)) throw notRegExp(source, 'invalid UTF-8');
  let pattern: RE2JS;
  try {
    pattern = RE2JS.compile(source);
  } catch (error) {
    throw notRegExp(source, error instanceof Error ? error.message : String(error));
  }
  if (pattern.programSize() > REGEXP_PROGRAM_MAX) {
    throw notRegExp(source, `it compiles to more than ${REGEXP_PROGRAM_MAX} instructions`);
  }
  return pattern;
}

function isWellFormed(text: string): boolean {
  return !/\p{Cs}/u.test(text);
}

function notRegExp(source: string, problem: string): FaultError {
  return new FaultError('invalid', `Cannot use the regular expression ${showText(source)}: ${showText(problem)}`);
}
