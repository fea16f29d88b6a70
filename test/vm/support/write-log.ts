// What a dm-log-writes target wrote down: every write in its order, and the moments at which power may fail. Written after the
// kernel's drivers/md/dm-log-writes.c, whose log begins with a super block and has a header and its data for each write.
//
// The target logs a write that is neither FUA nor flush when the next flush takes it along. So what comes between two moments are
// the writes that a disk may have kept or lost, each for itself, when power fails before that flush.

import { type FileHandle, open } from 'node:fs/promises';
import type { Random } from '../../support/random.ts';

const MAGIC = 0x6a_73_66_77_73_68_72n;
const SUPER_BYTES = 28;
const HEADER_BYTES = 32;
const FLUSH_OR_FUA = 0b11n;
const DISCARD = 0b100n;
const MARK = 0b1000n;

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
  readonly #log: FileHandle;
  readonly #entries: readonly Entry[];

  private constructor(log: FileHandle, entries: readonly Entry[]) {
    this.#log = log;
    this.#entries = entries;
  }

  /** The target must be gone: it writes how many entries there are at its end. */
  static async open(path: string): Promise<WriteLog> {
    const log = await open(path, 'r');
    try {
      return new WriteLog(log, await readEntries(log));
    } catch (error) {
      await log.close();
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

  /** Writes the entries from `from` up to and without `to` to a disk. */
  async replay(disk: FileHandle, from: number, to: number): Promise<void> {
    await this.write(
      disk,
      Array.from({ length: to - from }, (_, index) => from + index),
    );
  }

  async write(disk: FileHandle, indexes: readonly number[]): Promise<void> {
    for (const index of indexes) {
      const { offset, bytes, at } = this.#entries[index] ?? NOTHING;
      if (bytes === 0) continue;
      const { buffer } = await this.#log.read(Buffer.alloc(bytes), 0, bytes, at);
      await disk.write(buffer, 0, bytes, offset);
    }
    await disk.sync();
  }

  /** Whether the last write to the block at `begin` that the disk has kept came with others before `end`, with no flush between. */
  isTorn({ upTo, also }: Moment, begin: number, end: number): boolean {
    const kept = (_: Entry, index: number): boolean => index < upTo || also.includes(index);
    const last = this.#entries.findLastIndex((entry, index) => kept(entry, index) && isWithin(entry, begin, begin + 1));
    const before = this.#entries.findLastIndex(({ isMoment }, index) => isMoment && index < last);
    const after = this.#entries.findIndex(({ isMoment }, index) => isMoment && index >= last);
    return last >= 0 && this.#entries.slice(before + 1, after).some((entry) => isWithin(entry, begin + 1, end));
  }

  async close(): Promise<void> {
    await this.#log.close();
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

async function readEntries(log: FileHandle): Promise<readonly Entry[]> {
  const { buffer: head } = await log.read(Buffer.alloc(SUPER_BYTES), 0, SUPER_BYTES, 0);
  if (head.readBigUInt64LE(0) !== MAGIC) throw new Error('There is no log: the target was not removed');
  const count = Number(head.readBigUInt64LE(16));
  const sectorBytes = head.readUInt32LE(24);
  const entries: Entry[] = [];
  let position = sectorBytes;
  for (let index = 0; index < count; index += 1) {
    const { buffer } = await log.read(Buffer.alloc(sectorBytes), 0, sectorBytes, position);
    position += sectorBytes;
    const flags = buffer.readBigUInt64LE(16);
    const bytes = Number(buffer.readBigUInt64LE(8)) * sectorBytes;
    const isMark = (flags & MARK) !== 0n;
    // The disk below has no discard: there it changes nothing, and here it has no data.
    const isDiscard = (flags & DISCARD) !== 0n;
    const textEnd = HEADER_BYTES + Number(buffer.readBigUInt64LE(24));
    entries.push({
      offset: Number(buffer.readBigUInt64LE(0)) * sectorBytes,
      bytes: isMark || isDiscard ? 0 : bytes,
      at: position,
      mark: isMark ? (buffer.toString('utf8', HEADER_BYTES, textEnd).split('\0')[0] ?? '') : null,
      isMoment: isMark || (flags & FLUSH_OR_FUA) !== 0n,
    });
    if (!isDiscard) position += bytes;
  }
  return entries;
}
