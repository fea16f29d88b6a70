// LevelDB's table files (*.ldb), as its doc/table_format.md and doc/impl.md describe them: blocks with a checksum each, an
// index of them, a footer. LevelDB checks these checksums only where it is told to, and classic-level cannot tell it: a
// flipped bit makes it end the whole process by an assertion, or hand out what was never written.

import { uncompress } from 'snappyjs';
import { crc32c } from './crc32c.ts';

const FOOTER_BYTES = 48;
const MAGIC = 0xdb4775248b80fb57n;
const MAGIC_BYTES = 8;
/** Behind each block: how it is compressed, and a checksum of both. */
const TRAILER_BYTES = 5;
const PLAIN = 0;
const SNAPPY = 1;
/** An index of a table of 2 MiB, LevelDB's largest but for one big record, has 500 entries. */
const INDEX_BYTES_MAX = 16 * 1024 * 1024;

interface Handle {
  readonly offset: number;
  readonly size: number;
}

interface IndexEntry {
  readonly key: Buffer;
  readonly handle: Handle;
}

export type TableState =
  | { readonly kind: 'whole' }
  /** `mended` is a table of the blocks that are whole, `lost` how many are not among them. */
  | { readonly kind: 'damaged'; readonly mended: Buffer; readonly lost: number }
  /** Nothing says where its blocks are. */
  | { readonly kind: 'unreadable' };

/** What of a table is as it was written. */
export function examineTable(file: Buffer): TableState {
  const footer = readFooter(file);
  if (footer === null) return { kind: 'unreadable' };
  const index = readEntries(file, footer.index);
  if (index === null) return { kind: 'unreadable' };
  const filters = readEntries(file, footer.filters);
  const whole = index.filter(({ handle }) => isWhole(file, handle));
  if (filters !== null && whole.length === index.length && filters.every(({ handle }) => isWhole(file, handle))) {
    return { kind: 'whole' };
  }
  return {
    kind: 'damaged',
    mended: withIndex(file.subarray(0, footer.index.offset), whole),
    lost: index.length - whole.length,
  };
}

/** Two handles, zeros, a magic number. */
function readFooter(file: Buffer): { readonly filters: Handle; readonly index: Handle } | null {
  if (file.length < FOOTER_BYTES) return null;
  const footer = file.subarray(-FOOTER_BYTES);
  if (footer.readBigUInt64LE(FOOTER_BYTES - MAGIC_BYTES) !== MAGIC) return null;
  const cursor = new Cursor(footer.subarray(0, -MAGIC_BYTES));
  const [filters, index] = [cursor.handle(), cursor.handle()];
  return filters === null || index === null ? null : { filters, index };
}

/** The entries of a block whose values are handles; null when it is damaged. */
function readEntries(file: Buffer, handle: Handle): readonly IndexEntry[] | null {
  const block = readBlock(file, handle);
  if (block === null || block.length < 4) return null;
  const cursor = new Cursor(block.subarray(0, -4 - 4 * block.readUInt32LE(block.length - 4)));
  const entries: IndexEntry[] = [];
  let key = Buffer.alloc(0);
  while (!cursor.atEnd) {
    const [shared, rest, length] = [cursor.varint(), cursor.varint(), cursor.varint()];
    if (shared === null || rest === null || length === null) return null;
    key = Buffer.concat([key.subarray(0, shared), cursor.bytes(rest)]);
    const place = new Cursor(cursor.bytes(length)).handle();
    if (place === null) return null;
    entries.push({ key, handle: place });
  }
  return entries;
}

function readBlock(file: Buffer, handle: Handle): Buffer | null {
  if (!isWhole(file, handle)) return null;
  const { offset, size } = handle;
  const stored = file.subarray(offset, offset + size);
  if (file[offset + size] === PLAIN) return stored;
  return file[offset + size] === SNAPPY ? uncompress(stored, INDEX_BYTES_MAX) : null;
}

function isWhole(file: Buffer, { offset, size }: Handle): boolean {
  if (offset + size + TRAILER_BYTES > file.length - FOOTER_BYTES) return false;
  return file.readUInt32LE(offset + size + 1) === masked(crc32c(file.subarray(offset, offset + size + 1)));
}

/** The blocks where they are, and behind them a new index of those that are named. Without filters. */
function withIndex(blocks: Buffer, entries: readonly IndexEntry[]): Buffer {
  const filters = sealedBlock([]);
  const index = sealedBlock(entries.map(({ key, handle }) => ({ key, value: handleBytes(handle) })));
  const footer = Buffer.alloc(FOOTER_BYTES);
  const indexOffset = blocks.length + filters.length;
  Buffer.concat([
    handleBytes({ offset: blocks.length, size: filters.length - TRAILER_BYTES }),
    handleBytes({ offset: indexOffset, size: index.length - TRAILER_BYTES }),
  ]).copy(footer);
  footer.writeBigUInt64LE(MAGIC, FOOTER_BYTES - MAGIC_BYTES);
  return Buffer.concat([blocks, filters, index, footer]);
}

/** Each key stands whole, so each entry is where a search may begin. */
function sealedBlock(entries: readonly { readonly key: Buffer; readonly value: Buffer }[]): Buffer {
  const parts: Buffer[] = [];
  const starts: number[] = [];
  let length = 0;
  for (const { key, value } of entries) {
    starts.push(length);
    const entry = Buffer.concat([varintBytes(0), varintBytes(key.length), varintBytes(value.length), key, value]);
    parts.push(entry);
    length += entry.length;
  }
  // LevelDB wants one in an empty block too.
  if (starts.length === 0) starts.push(0);
  const tail = Buffer.alloc(4 * starts.length + 4 + 1);
  for (const [index, start] of [...starts, starts.length].entries()) tail.writeUInt32LE(start, 4 * index);
  tail[tail.length - 1] = PLAIN;
  const block = Buffer.concat([...parts, tail]);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32LE(masked(crc32c(block)));
  return Buffer.concat([block, checksum]);
}

/** A checksum of bytes that hold a checksum is a weak one, so LevelDB stores it turned and moved. */
function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

function handleBytes({ offset, size }: Handle): Buffer {
  return Buffer.concat([varintBytes(offset), varintBytes(size)]);
}

function varintBytes(value: number): Buffer {
  const bytes: number[] = [];
  let left = value;
  for (; left >= 0x80; left = Math.floor(left / 0x80)) bytes.push((left % 0x80) | 0x80);
  return Buffer.from([...bytes, left]);
}

class Cursor {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  bytes(length: number): Buffer {
    const taken = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return taken;
  }

  /** Null at the end, and for more than a number holds. */
  varint(): number | null {
    let value = 0;
    for (let scale = 1; scale <= Number.MAX_SAFE_INTEGER; scale *= 0x80) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) return null;
      this.#at += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return Number.isSafeInteger(value) ? value : null;
    }
    return null;
  }

  handle(): Handle | null {
    const [offset, size] = [this.varint(), this.varint()];
    return offset === null || size === null ? null : { offset, size };
  }
}
