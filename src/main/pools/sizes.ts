// How large the parts of a pool are made: what was asked for, in bytes or as a share, within what there is.

import { FaultError, isFault } from '../../shared/faults.ts';
import { METADATA_BYTES_MAX } from '../../shared/pool-makeup.ts';
import { formatSize, parseSize } from '../../shared/sizes.ts';
import { type Bytes, MIB, parseBytes } from '../../shared/units.ts';

/** A share of the room there is, or a size. */
export type Amount =
  | { readonly kind: 'percent'; readonly percent: number }
  | { readonly kind: 'bytes'; readonly bytes: Bytes };

/** Less data is no use to anybody. */
export const DATA_BYTES_MIN = parseBytes(256 * MIB);
/** The kernel's least (thin-provisioning.rst). */
export const METADATA_BYTES_MIN = parseBytes(2 * MIB);

/** Fault `invalid`, naming `option`, for what is no amount. */
export function parseAmount(option: string, text: string): Amount {
  const [, digits] = /^(\d{1,3}(?:\.\d{1,2})?)%(?:FREE)?$/.exec(text) ?? [];
  if (digits !== undefined) {
    const percent = Number(digits);
    if (percent > 0 && percent <= 100) return { kind: 'percent', percent };
    throw new FaultError('invalid', `Cannot use ${option} ${text}: must be over 0% and at most 100%`);
  }
  return { kind: 'bytes', bytes: parseOptionSize(option, text) };
}

/** Fault `invalid`, naming `option`, for what is no size. */
export function parseOptionSize(option: string, text: string): Bytes {
  try {
    const bytes = parseSize(text);
    if (bytes > 0) return bytes;
  } catch (error) {
    if (!isFault(error, 'invalid')) throw error;
    throw new FaultError('invalid', `Cannot use ${option}: ${error.message.replace(/^Cannot read a size: /, '')}`);
  }
  throw new FaultError('invalid', `Cannot use ${option} ${text}: must be over 0`);
}

/** Whole steps of `stepBytes`, rounded down. */
export function amountOf(amount: Amount, roomBytes: number, stepBytes: number): Bytes {
  const bytes = amount.kind === 'percent' ? (roomBytes * amount.percent) / 100 : amount.bytes;
  return parseBytes(Math.floor(bytes / stepBytes) * stepBytes);
}

export interface Sizes {
  readonly dataBytes: Bytes;
  readonly metadataBytes: Bytes;
}

/** Fault `invalid` or `no-space` for sizes that make no pool. `minDataBytes`: what the user wants at least. */
export function checkSizes({ dataBytes, metadataBytes }: Sizes, minDataBytes: Bytes): void {
  const least = Math.max(minDataBytes, DATA_BYTES_MIN);
  if (dataBytes < least) {
    const found = `there would be ${formatSize(dataBytes)} for data, and the least is ${formatSize(parseBytes(least))}`;
    throw new FaultError('no-space', `Cannot make the pool: ${found}`);
  }
  if (metadataBytes < METADATA_BYTES_MIN || metadataBytes > METADATA_BYTES_MAX) {
    const found = `${formatSize(metadataBytes)} for metadata`;
    throw new FaultError('invalid', `Cannot make the pool: ${found}, which must be 2MiB to 15.88GiB`);
  }
}
