// Readers of single settings: each takes what a source gave and answers the value, or everything that is wrong with it.
// What they let through reaches paths, device names and the command lines of mkfs, so each says what it accepts.

import { posix } from 'node:path';
import { isFault } from '../../shared/faults.ts';
import { formatSize, formatSizeExactly, parseSize } from '../../shared/sizes.ts';
import { type Bytes, parseBytes } from '../../shared/units.ts';
import type { MinFreeSpace } from './config.ts';
import { quote } from './problems.ts';
import { didYouMean } from './suggest.ts';

/** `element`: the place in a list of what is meant, or null for the whole. */
export interface Mistake {
  readonly message: string;
  readonly element: number | null;
}

export type Reading<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly mistakes: readonly Mistake[] };

/** Messages end a sentence that begins "Cannot use KEY: ". */
export type Reader<Value> = (raw: unknown) => Reading<Value>;

// The names of its thin devices are the pool's and a suffix, and a dm name ends at 127 bytes (DM_NAME_LEN is 128 with
// the NUL).
const POOL_NAME_MAX_BYTES = 100;
// sockaddr_un's sun_path has 108 bytes, the last is NUL (unix(7)).
const ADDRESS_MAX_BYTES = 107;
const PATH_MAX_BYTES = 4000;
const MIN_FREE_SPACE_MAX_PERCENT = 50;
const WORDS_MAX = 64;
const WORD_MAX_CHARS = 255;
// Whole blocks of the file systems' usual size; the rest of a size could hold nothing.
const SIZE_STEP = parseBytes(4096);

const POOL_NAME = /^[A-Za-z0-9_.+-]+$/;
// What useradd(8) of Debian takes, and a group's number: 2^32 - 1 is none.
const GROUP = /^([a-z_][a-z0-9_-]{0,30}\$?|\d{1,10})$/i;
const GROUP_MAX = 2 ** 32 - 2;
const WORD = /^[A-Za-z0-9_./:=,+^-]+$/;
const CONTROL = /\p{Cc}/u;

export function readBoolean(raw: unknown): Reading<boolean> {
  return typeof raw === 'boolean' ? sound(raw) : wrongType('true or false, without quotes', raw);
}

export function readOneOf<Word extends string>(words: readonly Word[]): Reader<Word> {
  const expected = `one of ${words.map((word) => `"${word}"`).join(', ')}`;
  return (raw) => {
    if (typeof raw !== 'string') return wrongType(expected, raw);
    const word = words.find((candidate) => candidate === raw);
    if (word !== undefined) return sound(word);
    return wrong(`${quote(raw)} is not ${expected}${didYouMean(raw, words)}`);
  };
}

export function readCount(max: number): Reader<number> {
  return readWhole(0, max);
}

/** A whole number from `min` to `max`. */
export function readWhole(min: number, max: number): Reader<number> {
  const expected = `a whole number from ${min} to ${max}, without quotes`;
  return (raw) => {
    if (typeof raw !== 'bigint') return wrongType(expected, raw);
    return raw >= BigInt(min) && raw <= BigInt(max) ? sound(Number(raw)) : wrong(`${raw} is not ${expected}`);
  };
}

/** An absolute path without ".." in it; a doubled or a last "/" is left out of it. */
export function readPath(raw: unknown): Reading<string> {
  if (typeof raw !== 'string') return wrongType('an absolute path in quotes', raw);
  if (CONTROL.test(raw)) return wrong(`${quote(raw)} holds a control character, which no path here may`);
  if (/^[a-z]+:\/\//.test(raw)) return wrong(`${quote(raw)} is a URL: write the path alone, from "/" on`);
  if (!raw.startsWith('/')) return wrong(`${quote(raw)} is not an absolute path: it must begin with "/"`);
  if (raw.split('/').includes('..')) return wrong(`${quote(raw)} holds "..": write the path that is meant`);
  const path = posix.normalize(raw).replace(/(?<=.)\/$/, '');
  if (path === '/') return wrong('"/" is the root of all files: it must be a place of its own below that');
  return checkLength(path, PATH_MAX_BYTES);
}

export function readAddress(raw: unknown): Reading<string> {
  const reading = readPath(raw);
  return reading.ok ? checkLength(reading.value, ADDRESS_MAX_BYTES) : reading;
}

/** A group's name or number, or "" for none. */
export function readGroup(raw: unknown): Reading<string | null> {
  if (typeof raw !== 'string') return wrongType("a group's name or number in quotes", raw);
  if (raw === '') return sound(null);
  if (!GROUP.test(raw)) return wrong(`${quote(raw)} is neither a group's name nor its number`);
  return /^\d/.test(raw) && Number(raw) > GROUP_MAX ? wrong(`${quote(raw)} is no group's number`) : sound(raw);
}

/** A dm name, or "" for none. LVM's pools have "VG-POOL" there, each "-" inside either name doubled. */
export function readPoolName(raw: unknown): Reading<string | null> {
  if (typeof raw !== 'string') return wrongType("a pool's name in quotes", raw);
  if (raw === '') return sound(null);
  if (raw.startsWith('/dev/mapper/')) {
    return wrong(`${quote(raw)} is a path: write the name under /dev/mapper alone, ${quote(raw.slice(12))}`);
  }
  const [group = '', volume = '', ...rest] = raw.replace(/^\/dev\//, '').split('/');
  if (raw.includes('/') && group !== '' && volume !== '' && rest.length === 0) {
    const name = `${group.replaceAll('-', '--')}-${volume.replaceAll('-', '--')}`;
    return wrong(`${quote(raw)} holds "/": of an LVM volume write the name under /dev/mapper, ${quote(name)}`);
  }
  if (!POOL_NAME.test(raw)) return wrong(`${quote(raw)} may hold letters, digits and _ . + - only`);
  if (raw.startsWith('-')) return wrong(`${quote(raw)} must not begin with "-"`);
  if (raw === '.' || raw === '..' || raw === 'control') return wrong(`${quote(raw)} names no pool under /dev/mapper`);
  return checkLength(raw, POOL_NAME_MAX_BYTES);
}

/** A size, rounded down to whole file system blocks. Its limits hang on the file system and are checked there. */
export function readSize(raw: unknown): Reading<Bytes> {
  if (typeof raw !== 'string') return wrongType('a size in quotes, as in "10GB"', raw);
  try {
    const bytes = parseSize(raw);
    return sound(parseBytes(bytes - (bytes % SIZE_STEP)));
  } catch (error) {
    if (isFault(error, 'invalid')) return wrong(error.message.replace(/^Cannot read a size: /, ''));
    throw error;
  }
}

export function readMinFreeSpace(raw: unknown): Reading<MinFreeSpace> {
  if (typeof raw !== 'string') return wrongType('a share or a size in quotes, as in "10%" or "20GB"', raw);
  const [, digits] = /^(\d{1,3}(?:\.\d{1,2})?) ?%$/.exec(raw) ?? [];
  if (digits !== undefined) {
    const percent = Number(digits);
    if (percent <= MIN_FREE_SPACE_MAX_PERCENT) return sound({ kind: 'percent', percent });
    return wrong(`${quote(raw)} is over ${MIN_FREE_SPACE_MAX_PERCENT}%`);
  }
  if (raw.includes('%')) return wrong(`${quote(raw)} is not a share from 0% to ${MIN_FREE_SPACE_MAX_PERCENT}%`);
  const reading = readSize(raw);
  if (reading.ok) return sound({ kind: 'bytes', bytes: reading.value });
  return wrong(`${quote(raw)} is neither a share, as in "10%", nor a size, as in "20GB"`);
}

/** Words for mkfs's command line: a list, or one text with blanks between. */
export function readFsOptions(raw: unknown): Reading<readonly string[]> {
  const reading = readWords(raw, /\s+/);
  if (!reading.ok) return reading;
  const [first] = reading.value;
  if (first !== undefined && !first.startsWith('-')) {
    return wrong(`${quote(first)} is no option of mkfs: what containerd passes with -E begins with "-E " here`, 0);
  }
  // mkfs would take it for the device to format.
  const path = reading.value.findIndex((word) => word.startsWith('/'));
  return path === -1 ? reading : wrong(`${quote(reading.value[path] ?? '')} is a path, which mkfs must not get`, path);
}

/** Mount options: a list, or one text with commas between, as in fstab. */
export function readMountOptions(raw: unknown): Reading<readonly string[]> {
  return readWords(raw, /,/);
}

/** For messages: what was found. */
export function describeValue(raw: unknown): string {
  if (typeof raw === 'string') return `the text ${quote(raw)}`;
  if (typeof raw === 'bigint' || typeof raw === 'number') return `the number ${String(raw)}`;
  if (typeof raw === 'boolean') return String(raw);
  if (Array.isArray(raw)) return 'a list';
  return raw instanceof Date ? 'a date' : 'a table';
}

/** For messages: as short as it can be without rounding. */
export function showSize(bytes: Bytes): string {
  const short = formatSize(bytes);
  return parseSize(short) === bytes ? short : formatSizeExactly(bytes);
}

function readWords(raw: unknown, separator: RegExp): Reading<readonly string[]> {
  const isText = typeof raw === 'string';
  if (!isText && !Array.isArray(raw)) return wrongType('options in quotes, or a list of such', raw);
  const words: readonly unknown[] = isText ? raw.split(separator).filter((word) => word !== '') : raw;
  if (words.length > WORDS_MAX) return wrong(`${words.length} are too many: at most ${WORDS_MAX} are taken`);
  const mistakes = words.flatMap((word, index) => {
    const message = checkWord(word);
    return message === null ? [] : [{ message, element: isText ? null : index }];
  });
  if (mistakes.length > 0) return { ok: false, mistakes };
  return sound(words.map(String));
}

function checkWord(word: unknown): string | null {
  if (typeof word !== 'string') return `expected a text in quotes, found ${describeValue(word)}`;
  if (word.length > WORD_MAX_CHARS) return `${quote(word)} is over ${WORD_MAX_CHARS} characters`;
  return WORD.test(word) ? null : `${quote(word)} may hold letters, digits and _ . / : = , + ^ - only`;
}

function checkLength(text: string, maxBytes: number): Reading<string> {
  const bytes = Buffer.byteLength(text);
  return bytes <= maxBytes ? sound(text) : wrong(`it has ${bytes} bytes, at most ${maxBytes} are possible`);
}

function wrongType(expected: string, raw: unknown): Reading<never> {
  return wrong(`expected ${expected}, found ${describeValue(raw)}`);
}

function wrong(message: string, element: number | null = null): Reading<never> {
  return { ok: false, mistakes: [{ message, element }] };
}

function sound<Value>(value: Value): Reading<Value> {
  return { ok: true, value };
}
