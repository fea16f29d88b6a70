// What a dm-log-writes target wrote down: every write in its order, and the moments at which power may fail. Written after the
// kernel's drivers/md/dm-log-writes.c, whose log begins with a super block and has a header and its data for each write.
//
// The target logs a write that is neither FUA nor flush when the next flush takes it along. So what comes between two moments are
// the writes that a disk may have kept or lost, each for itself, when power fails before that flush.
//
// All calls here are synchronous: thousands of small ones follow one another, and nothing else goes on.

import { closeSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import type { Random } from '../../support/random.ts';

const MAGIC = 0x6a_73_66_77_73_68_72n;
const SUPER_BYTES = 28;
const HEADER_BYTES = 32;
const FLUSH_OR_FUA = 0b11n;
const DISCARD = 0b100n;
const MARK = 0b1000n;
/** The target's own: nobody is told anything by it. */
const END_MARK = 'dm-log-writes-end';

interface Entry {
  readonly offset: number;
  readonly bytes: number;
  /** Where its data are in the log. */
  readonly at: number;
  readonly mark: string | null;
  readonly isMoment: boolean;
}

/** A moment at which power may fail: all of the log before `upTo` is on the disk, and of what comes next only these. */
export interface Moment {
  readonly upTo: number;
  readonly also: readonly number[];
  /** The last one before it. */
  readonly mark: string;
}

export class WriteLog {
  readonly #log: number;
  readonly #entries: readonly Entry[];

  private constructor(log: number, entries: readonly Entry[]) {
    this.#log = log;
    this.#entries = entries;
  }

  /** The target must be gone: it writes how many entries there are at its end. */
  static open(path: string): WriteLog {
    const log = openSync(path, 'r');
    try {
      return new WriteLog(log, readEntries(log));
    } catch (error) {
      closeSync(log);
      throw error;
    }
  }

  /**
   * All that differ in what the disk holds, from the mark `first` on. Of several in a row with the same contents the last one
   * stands for all, since by then most was acknowledged. Where a flush took several writes along, there is one moment more, at
   * which a disk kept some of them.
   */
  moments(first: string, random: Random): readonly Moment[] {
    const found: Moment[] = [];
    let mark: string | null = null;
    let waiting: number[] = [];
    for (const [index, entry] of this.#entries.entries()) {
      if (!entry.isMoment) {
        waiting.push(index);
        continue;
      }
      const before = found.at(-1);
      if (before !== undefined && waiting.length > 1) {
        found.push({ ...before, also: someOf(waiting, random) });
      }
      if (mark !== null || entry.mark === first) mark = entry.mark ?? mark;
      if (before !== undefined && waiting.length === 0 && entry.bytes === 0) found.pop();
      if (mark !== null) found.push({ upTo: index + 1, also: [], mark });
      waiting = [];
    }
    return found;
  }

  /** Writes the entries from `from` up to and without `to` to the disk at `path`. */
  replay(path: string, from: number, to: number): void {
    this.write(
      path,
      Array.from({ length: to - from }, (_, index) => from + index),
    );
  }

  write(path: string, indexes: readonly number[]): void {
    if (indexes.length === 0) return;
    const disk = openSync(path, 'r+');
    try {
      for (const index of indexes) {
        const { offset, bytes, at } = this.#entries[index] ?? NOTHING;
        if (bytes === 0) continue;
        const data = Buffer.allocUnsafe(bytes);
        readSync(this.#log, data, 0, bytes, at);
        writeSync(disk, data, 0, bytes, offset);
      }
      fsyncSync(disk);
    } finally {
      closeSync(disk);
    }
  }

  /** Whether the last write to the block at `begin` that the disk has kept came with others before `end`, with no flush between. */
  isTorn({ upTo, also }: Moment, begin: number, end: number): boolean {
    const kept = (_: Entry, index: number): boolean => index < upTo || also.includes(index);
    const last = this.#entries.findLastIndex((entry, index) => kept(entry, index) && isWithin(entry, begin, begin + 1));
    const before = this.#entries.findLastIndex(({ isMoment }, index) => isMoment && index < last);
    const after = this.#entries.findIndex(({ isMoment }, index) => isMoment && index >= last);
    return last >= 0 && this.#entries.slice(before + 1, after).some((entry) => isWithin(entry, begin + 1, end));
  }

  close(): void {
    closeSync(this.#log);
  }
}

/** Neither none nor all of them. */
function someOf(indexes: readonly number[], random: Random): readonly number[] {
  const kept = Math.floor(random() * indexes.length);
  const lost = (kept + 1 + Math.floor(random() * (indexes.length - 1))) % indexes.length;
  return indexes.filter((_, place) => place === kept || (place !== lost && random() < 1 / 2));
}

function isWithin({ offset, bytes }: Entry, begin: number, end: number): boolean {
  return bytes > 0 && offset >= begin && offset < end;
}

const NOTHING: Entry = { offset: 0, bytes: 0, at: 0, mark: null, isMoment: false };

function readEntries(log: number): readonly Entry[] {
  const head = Buffer.alloc(SUPER_BYTES);
  readSync(log, head, 0, SUPER_BYTES, 0);
  if (head.readBigUInt64LE(0) !== MAGIC) throw new Error('There is no log: the target was not removed');
  const count = Number(head.readBigUInt64LE(16));
  const sectorBytes = head.readUInt32LE(24);
  const entries: Entry[] = [];
  const buffer = Buffer.alloc(sectorBytes);
  let position = sectorBytes;
  for (let index = 0; index < count; index += 1) {
    readSync(log, buffer, 0, sectorBytes, position);
    position += sectorBytes;
    const flags = buffer.readBigUInt64LE(16);
    const bytes = Number(buffer.readBigUInt64LE(8)) * sectorBytes;
    const isMark = (flags & MARK) !== 0n;
    // The disk below has no discard: there it changes nothing, and here it has no data.
    const isDiscard = (flags & DISCARD) !== 0n;
    const textEnd = HEADER_BYTES + Number(buffer.readBigUInt64LE(24));
    const text = buffer.toString('utf8', HEADER_BYTES, textEnd).split('\0')[0] ?? '';
    entries.push({
      offset: Number(buffer.readBigUInt64LE(0)) * sectorBytes,
      bytes: isMark || isDiscard ? 0 : bytes,
      at: position,
      mark: isMark && text !== END_MARK ? text : null,
      isMoment: isMark || (flags & FLUSH_OR_FUA) !== 0n,
    });
    if (!isDiscard) position += bytes;
  }
  return entries;
}
