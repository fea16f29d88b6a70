// The high-water mark: how far the catalog had got, in a file beside it. When the newest pieces of LevelDB's log are lost or
// damaged, what is left is an older state in which everything fits; only something that is not in the log can tell.
//
// Invariants:
//   * It is written after the batch that it speaks of is durable, and never says more than that.
//   * It is not synced with each write: the kernel writes it back within half a minute. After a power loss it may say less
//     than there is, which is no damage; after any other end it is at most one batch behind.
//   * There are two places, written in turn: a write that a power loss tears leaves the other one whole.

import { type FileHandle, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { FaultError, isFault } from '../../shared/faults.ts';
import { isMissing, writeWhole } from '../durable-file.ts';
import { seal, unseal } from './checksum.ts';
import type { Head } from './codec.ts';

export const MARK_FILE = 'catalog.mark';
/** A place is one sector, so that it is written whole, in a page of its own. */
const PLACE_BYTES = 512;
const PLACE_OFFSETS = [0, 4096] as const;
const KEY = 'mark';

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const schema = v.strictObject({
  catalogId: v.string(),
  sequence: count,
  sum: count,
  lastDeviceId: count,
  lastThinId: count,
});
export type MarkRecord = v.InferOutput<typeof schema>;

/** What the mark says of a catalog with this head. */
export function markOf({ catalogId, sequence, sum, lastDeviceId, lastThinId }: Head): MarkRecord {
  return { catalogId, sequence, sum, lastDeviceId, lastThinId };
}

export interface Mark {
  /** As found when it was opened; null when there was none. */
  readonly found: MarkRecord | null;
  put(record: MarkRecord): Promise<void>;
  /** Makes the last one durable. */
  close(): Promise<void>;
}

interface Place {
  readonly record: MarkRecord | null;
  readonly turn: number;
}
const NOWHERE: Place = { record: null, turn: 0 };

/** Reads it, and makes it with the first `put` where there is none. Fault `io` when it is there and cannot be read. */
export async function openMark(rootPath: string): Promise<Mark> {
  const path = join(rootPath, MARK_FILE);
  const file = await openFile(path);
  try {
    return new FileMark(rootPath, file, file === null ? NOWHERE : await read(file, path));
  } catch (error) {
    await file?.close();
    throw error;
  }
}

class FileMark implements Mark {
  readonly found: MarkRecord | null;
  readonly #rootPath: string;
  #file: FileHandle | null;
  /** The place that was written last. */
  #turn: number;

  constructor(rootPath: string, file: FileHandle | null, { record, turn }: Place) {
    this.#rootPath = rootPath;
    this.#file = file;
    this.#turn = turn;
    this.found = record;
  }

  async put(record: MarkRecord): Promise<void> {
    if (this.#file === null) {
      await replaceMark(this.#rootPath, record);
      this.#file = await open(join(this.#rootPath, MARK_FILE), 'r+');
      return;
    }
    this.#turn = 1 - this.#turn;
    await this.#file.write(format(record), 0, PLACE_BYTES, PLACE_OFFSETS[this.#turn] ?? 0);
  }

  async close(): Promise<void> {
    try {
      await this.#file?.datasync();
    } catch (error) {
      const path = join(this.#rootPath, MARK_FILE);
      throw new FaultError('io', `Cannot sync ${path}: ${String(error)}`, { cause: error });
    } finally {
      await this.#file?.close();
    }
  }
}

async function openFile(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, 'r+');
  } catch (error) {
    if (isMissing(error)) return null;
    throw new FaultError('io', `Cannot read ${path}: ${String(error)}`, { cause: error });
  }
}

/** In the place of what was there, whole or not at all. */
export async function replaceMark(rootPath: string, record: MarkRecord): Promise<void> {
  // Both places, so that what comes later never makes the file longer: that could fail when the disk is full.
  const place = format(record);
  const [, second] = PLACE_OFFSETS;
  const file = Buffer.concat([place, Buffer.alloc(second - PLACE_BYTES, ' '), place]);
  await writeWhole(join(rootPath, MARK_FILE), (path) => writeFile(path, file, { mode: 0o600 }));
}

/** The newer of the two places. */
async function read(file: FileHandle, path: string): Promise<Place> {
  let newest = NOWHERE;
  for (const [turn, offset] of PLACE_OFFSETS.entries()) {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(PLACE_BYTES), 0, PLACE_BYTES, offset);
    const record = parse(buffer.subarray(0, bytesRead).toString());
    if (record !== null && record.sequence >= (newest.record?.sequence ?? 0)) newest = { record, turn };
  }
  if (newest.record !== null) return newest;
  const advice = 'Run "thinsnap catalog repair", which makes it anew once the catalog is whole';
  throw new FaultError('io', `Cannot read ${path}: it does not say how far the catalog had got. ${advice}`);
}

function format(record: MarkRecord): Buffer {
  return Buffer.from(`${seal(KEY, JSON.stringify(record)).value}\n`.padEnd(PLACE_BYTES));
}

function parse(place: string): MarkRecord | null {
  try {
    return v.parse(schema, JSON.parse(unseal(KEY, place.trimEnd()).text));
  } catch (error) {
    if (isFault(error, 'io')) return null;
    throw error;
  }
}
