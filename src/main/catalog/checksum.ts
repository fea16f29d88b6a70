// The checksum of one record: it stands before the record's text and covers the key too. LevelDB checks its own only where
// it is told to, and classic-level cannot tell it, so a flipped bit comes back as another text.

import { crc32 } from 'node:zlib';
import { FaultError } from '../../shared/faults.ts';

const SEAL_CHARS = 8;
const KEY_CHARS_SHOWN = 256;

export interface Sealed {
  /** What is stored. */
  readonly value: string;
  /** What this record adds to the sum of all, modulo 2^32. */
  readonly sum: number;
}

export function seal(key: string, text: string): Sealed {
  const crc = crcOf(key, text);
  return { value: toHex(crc) + text, sum: spread(crc) };
}

/** Fault `io` when the text, the key or the checksum is not as it was written. */
export function unseal(key: string, value: string): { readonly text: string; readonly sum: number } {
  const text = value.slice(SEAL_CHARS);
  const crc = crcOf(key, text);
  if (value.slice(0, SEAL_CHARS) === toHex(crc)) return { text, sum: spread(crc) };
  throw new FaultError('io', `Cannot read the record ${showKey(key)} of the catalog: its checksum is wrong`);
}

/** A key as messages have it. */
export function showKey(key: string): string {
  return JSON.stringify(key.slice(0, KEY_CHARS_SHOWN));
}

function crcOf(key: string, text: string): number {
  return crc32(text, crc32(key));
}

function toHex(crc: number): string {
  return crc.toString(16).padStart(SEAL_CHARS, '0');
}

/**
 * A CRC is linear: two records that change in the same bits change their CRCs in the same bits, and such differences can
 * cancel in a sum. This (MurmurHash3's last step) leaves no such relation.
 */
function spread(crc: number): number {
  let mixed = crc;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) | 0;
}
