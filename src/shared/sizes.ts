// Sizes as people write them, by the rules of Docker's go-units (RAMInBytes), which containerd's configuration uses:
// every multiple is binary, "10GB" is ten times 2^30. The npm package `bytes` reads "10GiB" as 10, hence our own.

import { FaultError } from './faults.ts';
import { type Bytes, parseBytes } from './units.ts';

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;
const UNIT_STEP = 1024;

// go-units v0.5.0, size.go: a decimal number, at most one blank, then "b", or one of kmgtp with "b" or "ib" or nothing.
// Signs, exponents, "inf" and hexadecimals, which Go's ParseFloat lets through, are left out.
const SIZE_PATTERN = /^(\d+\.?\d*|\.\d+) ?(?:b|([kmgtp])(?:i?b)?)?$/i;
const SIZE_TEXT_MAX_CHARS = 64;

/** Throws the fault `invalid`, whose message quotes `text`. Part of a byte is dropped, as go-units does. */
export function parseSize(text: string): Bytes {
  const match = text.length > SIZE_TEXT_MAX_CHARS ? null : SIZE_PATTERN.exec(text);
  const [, digits, prefix = ''] = match ?? [];
  if (digits === undefined) {
    const shown = JSON.stringify(text.slice(0, SIZE_TEXT_MAX_CHARS));
    throw new FaultError(
      'invalid',
      `Cannot read a size: ${shown} is not a number and a unit, as in "10GB", "512MiB" or "1073741824"`,
    );
  }
  const exponent = ' kmgtp'.indexOf(prefix.toLowerCase());
  const bytes = Math.floor(Number(digits) * UNIT_STEP ** Math.max(exponent, 0));
  if (!Number.isSafeInteger(bytes)) {
    throw new FaultError('invalid', `Cannot read a size: "${text}" is over 2^53 - 1 bytes`);
  }
  return parseBytes(bytes);
}

/** For people: the largest unit that leaves 1 or more, at most two decimals ("1.5GiB"). */
export function formatSize(bytes: Bytes): string {
  let value: number = bytes;
  let unit = 0;
  // Rounding may reach the next unit: 1023.999 KiB is "1MiB", not "1024KiB".
  while (round(value) >= UNIT_STEP && unit < UNITS.length - 1) {
    value /= UNIT_STEP;
    unit += 1;
  }
  return `${round(value)}${UNITS[unit] ?? ''}`;
}

/** For files: `parseSize` reads exactly `bytes` back from it. */
export function formatSizeExactly(bytes: Bytes): string {
  let value: number = bytes;
  let unit = 0;
  while (value >= UNIT_STEP && value % UNIT_STEP === 0 && unit < UNITS.length - 1) {
    value /= UNIT_STEP;
    unit += 1;
  }
  return `${value}${UNITS[unit] ?? ''}`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
