// The lines of thin and thin-pool targets: tables built, statuses and tables read. A word that the kernel's own
// description does not have is an error, never a default.

import { FaultError } from '../../shared/faults.ts';
import type { PoolStatus } from '../../shared/tasks.ts';
import { parseSectors, type Sectors, type ThinId } from '../../shared/units.ts';
import type { TargetLine } from './engine.ts';

export const POOL_TARGET = 'thin-pool';
export const THIN_TARGET = 'thin';

const NO_SECTORS = parseSectors(0);

/**
 * Reads the status of a thin-pool target (pool_status in dm-thin.c):
 *
 *   TID USEDMETA/TOTALMETA USEDDATA/TOTALDATA HELD_ROOT|- rw|ro|out_of_data_space
 *   ignore_discard|no_discard_passdown|discard_passdown error_if_no_space|queue_if_no_space needs_check|- [META_LOW_WATER]
 *
 * or `Fail`: the pool gave up; or `Error`: its metadata could not be read just now.
 */
export function parsePoolStatus(parameters: string): PoolStatus {
  const text = parameters.trim();
  if (text === 'Fail' || text === 'Error') return FAILED_POOL;
  const match =
    /^(\d+) (\d+)\/(\d+) (\d+)\/(\d+) (?:-|\d+) (rw|ro|out_of_data_space) (?:ignore_discard|no_discard_passdown|discard_passdown) (error|queue)_if_no_space (needs_check|-)(?: \d+)?$/.exec(
      text,
    );
  if (match === null) throw unknownLine('the status of a thin-pool', parameters);
  const [, transactionId, usedMetadata, totalMetadata, usedData, totalData, mode, whenFull, check] = match;
  return {
    mode: parseMode(mode),
    needsCheck: check === 'needs_check',
    whenFull: whenFull === 'queue' ? 'queue' : 'error',
    transactionId: parseCount(transactionId),
    usedMetadataBlocks: parseCount(usedMetadata),
    totalMetadataBlocks: parseCount(totalMetadata),
    usedDataBlocks: parseCount(usedData),
    totalDataBlocks: parseCount(totalData),
  };
}

const FAILED_POOL: PoolStatus = {
  mode: 'fail',
  needsCheck: false,
  whenFull: 'error',
  transactionId: 0,
  usedMetadataBlocks: 0,
  totalMetadataBlocks: 0,
  usedDataBlocks: 0,
  totalDataBlocks: 0,
};

export type ThinStatus =
  | { readonly state: 'mapped'; readonly mappedSectors: Sectors }
  /** `Fail`: its pool failed; `Error`: its pool's metadata could not be read; `-`: it has no device in the pool. */
  | { readonly state: 'failed'; readonly word: 'Fail' | 'Error' | '-' };

/** Reads the status of a thin target (thin_status in dm-thin.c): `MAPPED_SECTORS HIGHEST_SECTOR|-`, `Fail`, `Error` or `-`. */
export function parseThinStatus(parameters: string): ThinStatus {
  const text = parameters.trim();
  if (text === 'Fail' || text === 'Error' || text === '-') return { state: 'failed', word: text };
  const match = /^(\d+) (?:\d+|-)$/.exec(text);
  if (match === null) throw unknownLine('the status of a thin device', parameters);
  return { state: 'mapped', mappedSectors: parseSectors(parseCount(match[1])) };
}

export interface PoolTable {
  /** As the kernel prints it, "MAJOR:MINOR". */
  readonly metadataNumber: string;
  readonly dataNumber: string;
  readonly blockSectors: Sectors;
}

/** Reads a live pool's table: `META_MAJOR:MINOR DATA_MAJOR:MINOR BLOCK_SECTORS LOW_WATER_BLOCKS N FEATURE...`. */
export function parsePoolTable(parameters: string): PoolTable {
  const match = /^(\d+:\d+) (\d+:\d+) (\d+) \d+ \d+(?: [a-z_]+)*$/.exec(parameters.trim());
  if (match === null) throw unknownLine('the table of a thin-pool', parameters);
  const [, metadataNumber = '', dataNumber = '', blockSectors] = match;
  return { metadataNumber, dataNumber, blockSectors: parseSectors(parseCount(blockSectors)) };
}

export function thinTable(thin: { poolPath: string; thinId: ThinId; sizeSectors: Sectors }): TargetLine {
  return {
    startSectors: NO_SECTORS,
    lengthSectors: thin.sizeSectors,
    target: THIN_TARGET,
    parameters: `${thin.poolPath} ${thin.thinId}`,
  };
}

export interface PoolShape {
  readonly metadataPath: string;
  readonly dataPath: string;
  readonly sizeSectors: Sectors;
  readonly blockSectors: Sectors;
  readonly lowWaterBlocks: number;
  readonly features: readonly string[];
}

export function poolTable(shape: PoolShape): TargetLine {
  const { metadataPath, dataPath, blockSectors, lowWaterBlocks, features } = shape;
  const words = [metadataPath, dataPath, blockSectors, lowWaterBlocks, features.length, ...features];
  return {
    startSectors: NO_SECTORS,
    lengthSectors: shape.sizeSectors,
    target: POOL_TARGET,
    parameters: words.join(' '),
  };
}

function parseMode(word: string | undefined): PoolStatus['mode'] {
  if (word === 'rw' || word === 'ro' || word === 'out_of_data_space') return word;
  throw unknownLine('the mode of a thin-pool', String(word));
}

function parseCount(digits: string | undefined): number {
  const count = Number(digits);
  if (!Number.isSafeInteger(count)) throw unknownLine('a number', String(digits));
  return count;
}

function unknownLine(what: string, found: string): FaultError {
  return new FaultError('io', `Cannot read ${what}: ${JSON.stringify(found)}`);
}
