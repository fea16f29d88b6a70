// The kernel's replies on /dev/mapper/control, read from bytes (linux/dm-ioctl.h). Offsets between entries count from
// the first entry in a status and from the entry itself in a list; both are checked against the reply's end.

import { FaultError } from '../../../shared/faults.ts';
import { parseSectors } from '../../../shared/units.ts';
import type { DeviceInfo, DeviceNumber, TargetLine } from '../engine.ts';
import { FLAG, SPEC_BYTES } from './pack.ts';

const LIST_NAME_OFFSET = 12;
// What DM_MAX_TARGETS lets a table have; a reply that names more is not one.
const TARGETS_MAX = 1_048_576;

export function isBufferFull(buffer: Buffer): boolean {
  return (buffer.readUInt32LE(28) & FLAG.bufferFull) !== 0;
}

export function unpackVersion(buffer: Buffer): string {
  return `${buffer.readUInt32LE(0)}.${buffer.readUInt32LE(4)}.${buffer.readUInt32LE(8)}`;
}

export function unpackInfo(buffer: Buffer): DeviceInfo {
  const flags = buffer.readUInt32LE(28);
  return {
    name: textAt(buffer, 48),
    uuid: textAt(buffer, 176),
    number: unpackNumber(buffer),
    openCount: buffer.readInt32LE(24),
    suspended: (flags & FLAG.suspend) !== 0,
    readOnly: (flags & FLAG.readOnly) !== 0,
    live: (flags & FLAG.activePresent) !== 0,
  };
}

/** huge_encode_dev (linux/kdev_t.h): 12 bits of major between the low 8 and the high bits of minor. */
export function unpackNumber(buffer: Buffer): DeviceNumber {
  const encoded = buffer.readUInt32LE(40);
  return { major: (encoded >>> 8) & 0xfff, minor: (encoded & 0xff) | ((encoded >>> 12) & 0xfff00) };
}

/** The names in a LIST_DEVICES reply: `struct dm_name_list` { u64 dev; u32 next; char name[] }. dev 0: none at all. */
export function unpackNames(buffer: Buffer): readonly string[] {
  const names: string[] = [];
  let at = buffer.readUInt32LE(16);
  if (buffer.readBigUInt64LE(at) === 0n) return names;
  for (;;) {
    names.push(textAt(buffer, at + LIST_NAME_OFFSET));
    const next = buffer.readUInt32LE(at + 8);
    if (next === 0) return names;
    // A step back would be read for ever.
    if (next < LIST_NAME_OFFSET || at + next >= buffer.length) throw badReply('a name beyond the end of the list');
    at += next;
  }
}

/** The lines of a TABLE_STATUS reply: `struct dm_target_spec` and a text, each `next` counted from the first. */
export function unpackTargets(buffer: Buffer): readonly TargetLine[] {
  const first = buffer.readUInt32LE(16);
  const count = buffer.readUInt32LE(20);
  if (count > TARGETS_MAX) throw badReply(`${count} targets`);
  const lines: TargetLine[] = [];
  let at = first;
  for (let index = 0; index < count; index += 1) {
    if (at + SPEC_BYTES > buffer.length) throw badReply('a target beyond its end');
    lines.push({
      startSectors: parseSectors(Number(buffer.readBigUInt64LE(at))),
      lengthSectors: parseSectors(Number(buffer.readBigUInt64LE(at + 8))),
      target: textAt(buffer, at + 24),
      parameters: textAt(buffer, at + SPEC_BYTES),
    });
    at = first + buffer.readUInt32LE(at + 20);
  }
  return lines;
}

function textAt(buffer: Buffer, at: number): string {
  const end = buffer.indexOf(0, at);
  if (end < 0) throw badReply('a text without an end');
  return buffer.toString('utf8', at, end);
}

function badReply(found: string): FaultError {
  return new FaultError('io', `Cannot read the reply of /dev/mapper/control: it has ${found}`);
}
