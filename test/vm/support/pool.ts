// A thin pool on slices of the two bare disks, made and taken away by dmsetup alone. All that it makes, and all that a test
// names, begins with `thinsnap-test-`, so that clearing away touches nothing else.

import { open } from 'node:fs/promises';
import type { Activation } from '../../../src/shared/tasks.ts';
import { MIB, parseSectors, parseThinId, SECTOR_BYTES } from '../../../src/shared/units.ts';
import { shell } from './shell.ts';

const PREFIX = 'thinsnap-test-';
export const POOL = `${PREFIX}pool`;
export const POOL_UUID = `${PREFIX}pool-uuid`;
export const METADATA = `${PREFIX}metadata`;
export const DATA = `${PREFIX}data`;
const METADATA_DISK = '/dev/vdb';
export const DATA_DISK = '/dev/vda';
const CLEAR_PASSES_MAX = 10;

export interface PoolSize {
  readonly metadataMib: number;
  readonly dataMib: number;
}

const ROOMY: PoolSize = { metadataMib: 16, dataMib: 2048 };

export async function makePool(size: PoolSize = ROOMY): Promise<void> {
  await zeroStart(METADATA_DISK);
  await openPool(size);
}

/** The pool that is on the disks, as after a reboot; its data device may have grown since. */
export async function openPool(size: PoolSize = ROOMY): Promise<void> {
  await create(METADATA, linear(METADATA_DISK, size.metadataMib));
  await create(DATA, linear(DATA_DISK, size.dataMib));
  await create(POOL, poolTable(size, 'error'), '--uuid', POOL_UUID);
}

/** What becomes of a write that finds no space: it fails at once, or waits for some for a minute (thin-provisioning.rst). */
export type WhenFull = 'error' | 'queue';

/** The live pool goes on with the other way of being full. */
export async function setWhenFull(size: PoolSize, whenFull: WhenFull): Promise<void> {
  await shell('dmsetup', 'load', POOL, '--table', poolTable(size, whenFull));
  await shell('dmsetup', 'resume', POOL);
}

function poolTable({ dataMib }: PoolSize, whenFull: WhenFull): string {
  const devices = `/dev/mapper/${METADATA} /dev/mapper/${DATA}`;
  const features = whenFull === 'error' ? '1 error_if_no_space' : '0';
  return `0 ${toSectors(dataMib)} thin-pool ${devices} 128 0 ${features}`;
}

/** Takes away every device of the tests, and has `thin_check` say that the pool's metadata is sound. */
export async function removePool(size: PoolSize = ROOMY): Promise<void> {
  await clearDevices();
  await create(METADATA, linear(METADATA_DISK, size.metadataMib));
  try {
    await shell('thin_check', `/dev/mapper/${METADATA}`);
  } finally {
    await clearDevices();
  }
}

/** Takes away all but the pool and what it stands on. */
export function clearThins(): Promise<void> {
  return clear([POOL, METADATA, DATA]);
}

export function clearDevices(): Promise<void> {
  return clear([]);
}

async function clear(kept: readonly string[]): Promise<void> {
  for (let pass = 0; pass < CLEAR_PASSES_MAX; pass += 1) {
    const names = (await deviceNames()).filter((name) => !kept.includes(name));
    if (names.length === 0) return;
    for (const name of names) {
      // Those that others still stand on go in the next pass.
      await shell('dmsetup', 'resume', name).catch(() => '');
      await shell('dmsetup', 'remove', name).catch(() => '');
    }
  }
  throw new Error(`Cannot clear away: ${(await deviceNames()).join(', ')}`);
}

/** The names of all devices that tests have made, or of those that begin so. */
export async function deviceNames(prefix = PREFIX): Promise<string[]> {
  const output = await shell('dmsetup', 'info', '-c', '--noheadings', '-o', 'name');
  return output.split('\n').filter((name) => name.startsWith(prefix));
}

/** From now on every write to the pool's metadata fails, as on a disk that is dying. */
export async function failMetadataWrites(): Promise<void> {
  await shell('sh', '-ec', FAIL_METADATA_WRITES);
}

/** The same as a script, for who has it happen in the middle of something. */
export const FAIL_METADATA_WRITES = [
  `dmsetup load ${METADATA} --table '0 ${toSectors(ROOMY.metadataMib)} flakey ${METADATA_DISK} 0 0 3600 1 error_writes'`,
  `dmsetup resume ${METADATA}`,
].join('\n');

/** What the pool knows, its transaction id included, in that file; to be taken while the pool is not active. */
export async function saveMetadata(path: string): Promise<void> {
  await shell('dd', `if=${METADATA_DISK}`, `of=${path}`, 'bs=1M', `count=${ROOMY.metadataMib}`, 'conv=fsync');
}

export async function restoreMetadata(path: string): Promise<void> {
  await shell('dd', `if=${path}`, `of=${METADATA_DISK}`, 'bs=1M', 'conv=fsync');
}

/** A thin device of 64 MiB whose name, uuid and thin id are made from one number. */
export function thin(number: number): Activation {
  return {
    pool: POOL,
    poolTag: null,
    name: `${PREFIX}${number}`,
    uuid: `${PREFIX}uuid-${number}`,
    thinId: parseThinId(number),
    sizeSectors: parseSectors(toSectors(64)),
    readOnly: false,
  };
}

export async function create(name: string, table: string, ...options: readonly string[]): Promise<void> {
  await shell('dmsetup', 'create', name, ...options, '--table', table);
}

export function linear(disk: string, sizeMib: number, fromMib = 0): string {
  return `0 ${toSectors(sizeMib)} linear ${disk} ${toSectors(fromMib)}`;
}

export function toSectors(sizeMib: number): number {
  return (sizeMib * MIB) / SECTOR_BYTES;
}

/** A new pool wants its first 4 KiB of metadata zeroed (thin-provisioning.rst). */
async function zeroStart(disk: string): Promise<void> {
  const handle = await open(disk, 'r+');
  try {
    await handle.write(Buffer.alloc(MIB), 0, MIB, 0);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export async function transactionId(): Promise<number> {
  return Number((await shell('dmsetup', 'status', POOL)).split(' ')[3]);
}
