// Quantities and ids that are all plain numbers at run time, kept apart by a brand. Only this file makes them.

declare const brand: unique symbol;
type Branded<Name extends string> = number & { readonly [brand]: Name };

/** A size in bytes: a whole number from 0 to 2^53 - 1. */
export type Bytes = Branded<'Bytes'>;
/** A size in sectors of 512 bytes, the kernel's unit for tables whatever the disk's own sector is. */
export type Sectors = Branded<'Sectors'>;
/** The id of a thin device inside its pool: 24 bits, chosen by whoever creates it (thin-provisioning.rst). */
export type ThinId = Branded<'ThinId'>;
/** Our own number of a device: counted up in the catalog, never used twice. Names on disk are made from it. */
export type DeviceId = Branded<'DeviceId'>;

export const SECTOR_BYTES = 512;
export const THIN_ID_MAX = 2 ** 24 - 1;

export const KIB = 2 ** 10;
export const MIB = 2 ** 20;
export const GIB = 2 ** 30;

export function parseBytes(value: number): Bytes {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`Cannot use ${value} as a size in bytes: must be a whole number, 0 or more`);
  }
  return value as Bytes;
}

export function parseSectors(value: number): Sectors {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`Cannot use ${value} as a size in sectors: must be a whole number, 0 or more`);
  }
  return value as Sectors;
}

export function parseThinId(value: number): ThinId {
  if (!Number.isInteger(value) || value < 0 || value > THIN_ID_MAX) {
    throw new RangeError(`Cannot use ${value} as a thin id: must be in 0..${THIN_ID_MAX}`);
  }
  return value as ThinId;
}

export function parseDeviceId(value: number): DeviceId {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new RangeError(`Cannot use ${value} as a device id: must be a whole number, 1 or more`);
  }
  return value as DeviceId;
}

/** Sectors that hold `bytes`, rounded down: a device never promises more than was asked for. */
export function toSectors(bytes: Bytes): Sectors {
  return parseSectors(Math.floor(bytes / SECTOR_BYTES));
}

/** What a sparse file may still take of its file system, by its stat(2), which counts blocks of 512 bytes whatever the disk's are. */
export function unallocated({ size, blocks }: { readonly size: number; readonly blocks: number }): Bytes {
  return parseBytes(Math.max(0, size - blocks * SECTOR_BYTES));
}

export function toBytes(sectors: Sectors): Bytes {
  return parseBytes(sectors * SECTOR_BYTES);
}
