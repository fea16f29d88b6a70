// Snapshots as the bytes of containerd's messages, written straight from the records: through generated messages these
// bytes take about twice the time (bench/parts/messages.bench.ts), and Stat and List answer little else.
//
// The fields (snapshots.proto): Info has name 1, parent 2, kind 3, created_at 4, updated_at 5, labels 6, a map, whose
// entries have key 1 and value 2; a Timestamp has seconds 1 and nanos 2; StatSnapshotResponse and ListSnapshotsResponse have
// info 1. What is empty or 0 is left out, except in the entries of a map.

import type { Snapshot } from '../catalog/records.ts';
import type { Timestamp } from '../snapshots/clock.ts';
import { Kind } from './gen/containerd/services/snapshots/v1/snapshots_pb.ts';

// A field's number and wire type in one byte, as all fields below 16 have it: 0 is a varint, 2 a length and bytes.
const NAME = (1 << 3) | 2;
const PARENT = (2 << 3) | 2;
const KIND = 3 << 3;
const CREATED_AT = (4 << 3) | 2;
const UPDATED_AT = (5 << 3) | 2;
const LABEL = (6 << 3) | 2;
const LABEL_KEY = (1 << 3) | 2;
const LABEL_VALUE = (2 << 3) | 2;
const SECONDS = 1 << 3;
const NANOS = 2 << 3;
const INFO = (1 << 3) | 2;

const TAG_BYTES = 1;
/** Tag and value: every kind is below 128. */
const KIND_BYTES = 2;
/** Seven bits in a byte; a negative number is written as 64 bits. */
const VARINT_LIMIT = 128;
const NEGATIVE_VARINT_BYTES = 10;

export const KINDS: Record<Snapshot['kind'], Kind> = {
  active: Kind.ACTIVE,
  view: Kind.VIEW,
  committed: Kind.COMMITTED,
};

/** What a snapshot takes in a message, its tag and length included. */
export function infoFieldBytes(snapshot: Snapshot): number {
  return fieldBytes(infoBytes(snapshot));
}

/** A StatSnapshotResponse of one, or a ListSnapshotsResponse of several: on the wire they are the same. */
export function encodeInfos(snapshots: readonly Snapshot[]): Buffer {
  const sizes = snapshots.map(infoBytes);
  const writer = new Writer(sizes.reduce((sum, size) => sum + fieldBytes(size), 0));
  snapshots.forEach((snapshot, index) => {
    writer.head(INFO, sizes[index] ?? 0);
    writeInfo(writer, snapshot);
  });
  return writer.bytes;
}

function infoBytes({ key, parent, createdAt, updatedAt, labels }: Snapshot): number {
  let bytes = KIND_BYTES + fieldBytes(timestampBytes(createdAt)) + fieldBytes(timestampBytes(updatedAt));
  if (key !== '') bytes += textFieldBytes(key);
  if (parent !== '') bytes += textFieldBytes(parent);
  for (const [name, value] of labels) bytes += fieldBytes(textFieldBytes(name) + textFieldBytes(value));
  return bytes;
}

function writeInfo(writer: Writer, { key, parent, kind, createdAt, updatedAt, labels }: Snapshot): void {
  if (key !== '') writer.text(NAME, key);
  if (parent !== '') writer.text(PARENT, parent);
  writer.head(KIND, KINDS[kind]);
  writeTimestamp(writer, CREATED_AT, createdAt);
  writeTimestamp(writer, UPDATED_AT, updatedAt);
  for (const [name, value] of labels) {
    const nameBytes = Buffer.byteLength(name);
    const valueBytes = Buffer.byteLength(value);
    writer.head(LABEL, fieldBytes(nameBytes) + fieldBytes(valueBytes));
    writer.text(LABEL_KEY, name, nameBytes);
    writer.text(LABEL_VALUE, value, valueBytes);
  }
}

function timestampBytes({ seconds, nanos }: Timestamp): number {
  const secondsBytes = seconds < 0n ? NEGATIVE_VARINT_BYTES : varintBytes(Number(seconds));
  return (seconds === 0n ? 0 : TAG_BYTES + secondsBytes) + (nanos === 0 ? 0 : TAG_BYTES + varintBytes(nanos));
}

function writeTimestamp(writer: Writer, tag: number, timestamp: Timestamp): void {
  writer.head(tag, timestampBytes(timestamp));
  const { seconds, nanos } = timestamp;
  if (seconds < 0n) writer.negative(SECONDS, seconds);
  else if (seconds > 0n) writer.head(SECONDS, Number(seconds));
  if (nanos !== 0) writer.head(NANOS, nanos);
}

function textFieldBytes(text: string): number {
  return fieldBytes(Buffer.byteLength(text));
}

/** Of a field with a length, whose tag takes one byte. */
function fieldBytes(length: number): number {
  return TAG_BYTES + varintBytes(length) + length;
}

/** Of a number up to 2 ** 53. */
function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= VARINT_LIMIT; rest = Math.floor(rest / VARINT_LIMIT)) bytes += 1;
  return bytes;
}

class Writer {
  readonly bytes: Buffer;
  #at = 0;

  constructor(bytes: number) {
    this.bytes = Buffer.allocUnsafe(bytes);
  }

  /** A tag and a number: the field's value, or the length of what follows. */
  head(tag: number, value: number): void {
    this.#byte(tag);
    let rest = value;
    for (; rest >= VARINT_LIMIT; rest = Math.floor(rest / VARINT_LIMIT)) {
      this.#byte((rest % VARINT_LIMIT) + VARINT_LIMIT);
    }
    this.#byte(rest);
  }

  negative(tag: number, value: bigint): void {
    this.#byte(tag);
    let rest = BigInt.asUintN(64, value);
    for (; rest >= 128n; rest >>= 7n) this.#byte(Number(rest & 127n) + VARINT_LIMIT);
    this.#byte(Number(rest));
  }

  text(tag: number, text: string, bytes = Buffer.byteLength(text)): void {
    this.head(tag, bytes);
    this.#at += this.bytes.write(text, this.#at);
  }

  #byte(value: number): void {
    this.bytes[this.#at] = value;
    this.#at += 1;
  }
}
