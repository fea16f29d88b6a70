// One disk under everything that the daemon keeps: the file system of its root_path, and its pool's metadata and data, are slices
// of it. So there is one order of all writes, and one moment at which power fails.

import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MIB, SECTOR_BYTES } from '../../../src/shared/units.ts';
import { deviceNames, POOL, POOL_UUID } from './pool.ts';
import { shell } from './shell.ts';

const SECTORS_PER_MIB = MIB / SECTOR_BYTES;
const SLICE_NAMES = ['state', 'metadata', 'data'] as const;
export type Slice = (typeof SLICE_NAMES)[number];
const SIZES_MIB: Readonly<Record<Slice, number>> = { state: 32, metadata: 4, data: 160 };

/** What a disk can do instead of its work (Documentation/admin-guide/device-mapper/dm-flakey.rst). */
export const DISK_FAULTS = {
  'fails everything': () => 'error',
  'fails writes': (place: string) => `flakey ${place} 0 3600 1 error_writes`,
  'drops writes': (place: string) => `flakey ${place} 0 3600 1 drop_writes`,
  'writes a wrong byte': (place: string) => `flakey ${place} 0 3600 5 corrupt_bio_byte 32 w 165 0`,
  'has a bad block': null,
} as const;
/** Of 4 KiB, which is a block of the file system and of the pool's metadata too. */
const BAD_SECTORS = 8;
export type DiskFault = keyof typeof DISK_FAULTS;
export interface Sickness {
  readonly fault: DiskFault;
  /** Of the slice: where a bad block is. */
  readonly badSector: number;
}
export const DISK_MIB = SIZES_MIB.state + SIZES_MIB.metadata + SIZES_MIB.data;
export const DISK_SECTORS = DISK_MIB * SECTORS_PER_MIB;
const STATE = 'thinsnap-test-state';
const METADATA = 'thinsnap-test-metadata';
const DATA = 'thinsnap-test-data';
const SLICES = [STATE, METADATA, DATA];
export const METADATA_SLICE = `/dev/mapper/${METADATA}`;
export const METADATA_MIB = SIZES_MIB.metadata;
/** Where the pool's metadata are on the disk: their superblock comes first. */
export const METADATA_AT = SIZES_MIB.state * MIB;

export class Slices {
  readonly #directory: string;
  /** The mounted file system. */
  readonly state: string;

  constructor(directory: string) {
    this.#directory = directory;
    this.state = join(directory, 'state');
  }

  get rootPath(): string {
    return join(this.state, 'root');
  }

  /** On a disk that is all zeros. */
  async format(disk: string): Promise<void> {
    await shell('dmsetup', 'create', '--concise', tablesOn(disk));
    // What mkfs leaves for the kernel to do later would be among the writes that are looked at.
    const options = 'lazy_itable_init=0,lazy_journal_init=0,nodiscard';
    await shell('mkfs.ext4', '-q', '-b', '4096', '-E', options, `/dev/mapper/${STATE}`);
  }

  /** Slices that are there already are taken as they are. `check` is what an operator runs on the metadata first. */
  async open(disk: string, check = 'thin_check'): Promise<void> {
    await mkdir(this.state, { recursive: true });
    await chmod(this.state, 0o755);
    const there = (await deviceNames()).includes(STATE);
    // A new pool's first block is zero, which thin_check takes for damage.
    const checked = `[ "$(head -c 4096 ${METADATA_SLICE} | tr -d '\\0' | wc -c)" = 0 ] || ${check} ${METADATA_SLICE} >&2`;
    await this.#script(
      there ? '' : `dmsetup create --concise "${tablesOn(disk)}"`,
      checked,
      `mount -t ext4 /dev/mapper/${STATE} ${this.state}`,
      `dmsetup create --concise "${poolTable()}"`,
    );
  }

  /** Takes all away, and answers the pool's thin ids; fails when the pool or the file system is not sound. */
  async close(): Promise<readonly string[]> {
    return (
      await this.#script(
        this.#thinsAway(),
        `dmsetup remove ${POOL}`,
        `umount ${this.state}`,
        `thin_check ${METADATA_SLICE} >&2`,
        `e2fsck -fn /dev/mapper/${STATE} >&2`,
        `thin_ls --no-headers -o DEV ${METADATA_SLICE}`,
        `dmsetup remove ${SLICES.join(' ')}`,
      )
    )
      .split(/\s+/)
      .filter(Boolean);
  }

  /** From now on the disk does that under one slice; null: it is well again. */
  async fail(disk: string, slice: Slice, sickness: Sickness | null): Promise<void> {
    const name = `thinsnap-test-${slice}`;
    const table = join(this.#directory, 'table');
    await writeFile(table, `${tableOf(slice, disk, sickness).join('\n')}\n`);
    await shell('dmsetup', 'load', name, table);
    // A resume thaws the file system that a suspend froze, and fails with it on a disk that fails.
    await shell('dmsetup', 'suspend', '--nolockfs', name);
    await shell('dmsetup', 'resume', name);
  }

  /** The sector, of the slice, where the log of the catalog ends, and is written next: all of a page is written again. */
  async logEnd(): Promise<number> {
    const extents = await shell('sh', '-c', `filefrag -v "$(ls ${this.rootPath}/catalog/*.log | tail -1)"`);
    const [last] = [...extents.matchAll(/^ *\d+: +\d+\.\. +\d+: +\d+\.\. +(\d+):/gm)].reverse();
    return Number(last?.[1]) * BAD_SECTORS;
  }

  /** The disk has no power, or the test has failed: what is there is given up. */
  async abandon(): Promise<void> {
    // One by one: dmsetup stops at the first that is not there.
    const away = [POOL, ...SLICES].map((name) => `dmsetup remove --retry ${name}`).join('; ');
    const mounts = `umount -q ${this.#directory}/mnt-* ${this.#directory}/seen`;
    await shell('sh', '-c', `${mounts}; ${this.#thinsAway()}; umount ${this.state}; ${away}; true`);
  }

  #thinsAway(): string {
    return `for name in $(dmsetup ls --target thin | cut -f1 | grep '^${POOL}-'); do dmsetup remove --retry $name; done`;
  }

  async #script(...lines: readonly string[]): Promise<string> {
    const path = join(this.#directory, 'script');
    await writeFile(path, `set -e\n${lines.join('\n')}\n`);
    return shell('sh', path);
  }
}

function tablesOn(disk: string): string {
  return SLICE_NAMES.map(
    (slice) => `thinsnap-test-${slice},,,rw,${lengthOf(slice)} linear ${placeOf(slice, disk)}`,
  ).join(';');
}

function tableOf(slice: Slice, disk: string, sickness: Sickness | null): readonly string[] {
  const place = placeOf(slice, disk);
  if (sickness === null) return [`${lengthOf(slice)} linear ${place}`];
  const { fault, badSector } = sickness;
  if (fault !== 'has a bad block') return [`${lengthOf(slice)} ${DISK_FAULTS[fault](place)}`];
  const after = badSector + BAD_SECTORS;
  const sectors = SIZES_MIB[slice] * SECTORS_PER_MIB;
  const whole = (from: number, to: number): string => `${from} ${to - from} linear ${placeOf(slice, disk, from)}`;
  return [...(badSector > 0 ? [whole(0, badSector)] : []), `${badSector} ${BAD_SECTORS} error`, whole(after, sectors)];
}

function lengthOf(slice: Slice): string {
  return `0 ${SIZES_MIB[slice] * SECTORS_PER_MIB}`;
}

function placeOf(slice: Slice, disk: string, sector = 0): string {
  const before = SLICE_NAMES.slice(0, SLICE_NAMES.indexOf(slice)).map((each) => SIZES_MIB[each]);
  return `${disk} ${before.reduce((sum, mib) => sum + mib, 0) * SECTORS_PER_MIB + sector}`;
}

function poolTable(): string {
  const sectors = SIZES_MIB.data * SECTORS_PER_MIB;
  return `${POOL},${POOL_UUID},,rw,0 ${sectors} thin-pool ${METADATA_SLICE} /dev/mapper/${DATA} 128 0 1 error_if_no_space`;
}
