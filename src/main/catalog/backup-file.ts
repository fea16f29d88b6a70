// A backup of the catalog: one file, gzip, with a line for each record as the database has it, checksums included. It is read
// by the same checks as the database is, so one that is damaged or cut is refused whole.

import { createReadStream, createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGunzip, createGzip } from 'node:zlib';
import { FaultError } from '../../shared/faults.ts';
import { writeWhole } from '../durable-file.ts';
import type { Head } from './codec.ts';
import { type Captured, type Contents, type Entry, readContents } from './contents.ts';
import { HEAD_KEY, IDENTITY_KEY, type Operation, toOperation, toPut } from './operations.ts';
import type { Change } from './tables.ts';
import { Tally } from './tally.ts';

/** A piece is passed on once it has this much: whoever makes it holds up the main thread for no longer than that takes. */
const PIECE_CHARS = 64 * 1024;

/** The operations that make a database of these records; the head comes last, and says how much there is. */
function* operationsOf({ head, identity, snapshots, devices }: Captured): Generator<Operation, Head> {
  const tally = new Tally();
  if (identity !== null) {
    const { value, sum } = toPut(IDENTITY_KEY, JSON.stringify(identity));
    tally.setIdentity(sum);
    yield value;
  }
  for (const change of changesOf(snapshots, devices)) {
    const { value, sum } = toOperation(change);
    tally.add(change, sum);
    yield value;
  }
  const last = { ...head, ...tally.figures };
  yield toPut(HEAD_KEY, JSON.stringify(last)).value;
  return last;
}

/** The same at once, with the head as it is written. */
export function toOperations(captured: Captured): { readonly operations: readonly Operation[]; readonly head: Head } {
  const operations: Operation[] = [];
  const making = operationsOf(captured);
  for (;;) {
    const step = making.next();
    if (step.done === true) return { operations, head: step.value };
    operations.push(step.value);
  }
}

/** A time as part of a file's name: 20261124T182713Z. */
export function fileTime(time: Date): string {
  return time.toISOString().replaceAll(/[-:]|\.\d+/g, '');
}

function* changesOf(snapshots: Captured['snapshots'], devices: Captured['devices']): Generator<Change, void> {
  for (const device of devices) yield { kind: 'put-device', device };
  for (const snapshot of snapshots) yield { kind: 'put-snapshot', snapshot };
}

/** The text of a backup, in pieces. */
export function* backupText(captured: Captured): Generator<string, void> {
  let piece = '';
  for (const operation of operationsOf(captured)) {
    if (operation.type === 'put') piece += `${JSON.stringify([operation.key, operation.value])}\n`;
    if (piece.length < PIECE_CHARS) continue;
    yield piece;
    piece = '';
  }
  yield piece;
}

/** Writes it whole or not at all. Fault `io`. */
export async function writeBackup(path: string, text: Iterable<string> | AsyncIterable<string>): Promise<void> {
  try {
    await writeWhole(path, (partialPath) => {
      const file = createWriteStream(partialPath, { mode: 0o600 });
      return pipeline(Readable.from(text), createGzip({ level: constants.Z_BEST_SPEED }), file);
    });
  } catch (error) {
    if (error instanceof FaultError) throw error;
    throw new FaultError('io', `Cannot write the backup ${path}: ${String(error)}`, { cause: error });
  }
}

/** Faults: `io` when it cannot be read or is not whole, `unsupported` for another format. */
export async function readBackup(path: string): Promise<Contents> {
  let contents: Contents | null;
  try {
    contents = await readContents(entriesOf(path));
  } catch (error) {
    const code = error instanceof FaultError ? error.code : 'io';
    const reason = error instanceof Error ? error.message : String(error);
    throw new FaultError(code, `Cannot use the backup ${path}: ${reason}`, { cause: error });
  }
  if (contents === null) throw new FaultError('io', `Cannot use the backup ${path}: it is empty`);
  return contents;
}

async function* entriesOf(path: string): AsyncGenerator<readonly Entry[], void> {
  const pieces = createGunzip().setEncoding('utf8');
  // Its failure is met below, where the pieces are read.
  pipeline(createReadStream(path), pieces).catch(() => undefined);
  let rest = '';
  for await (const piece of pieces) {
    const lines = (rest + String(piece)).split('\n');
    rest = lines.pop() ?? '';
    yield lines.map(parseLine);
  }
  if (rest !== '') throw new FaultError('io', 'its last line is cut');
}

function parseLine(line: string): Entry {
  const value: unknown = JSON.parse(line);
  if (Array.isArray(value) && typeof value[0] === 'string' && typeof value[1] === 'string') return [value[0], value[1]];
  throw new FaultError('io', 'a line of it is no record');
}
