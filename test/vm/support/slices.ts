// One disk under everything that the daemon keeps: the file system of its root_path, and its pool's metadata and data, are slices
// of it. So there is one order of all writes, and one moment at which power fails.

import { chmod, mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MIB, SECTOR_BYTES } from '../../../src/shared/units.ts';
import { type Devices, mountAt, unmount } from './kernel.ts';
import { POOL, POOL_UUID } from './pool.ts';
import { LastingShell, shell } from './shell.ts';
import { Verdicts } from './verdicts.ts';

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
const POOL_SECTORS = SIZES_MIB.data * SECTORS_PER_MIB;
const POOL_TABLE = `0 ${POOL_SECTORS} thin-pool /dev/mapper/${METADATA} /dev/mapper/${DATA} 128 0 1 error_if_no_space`;
const SUPERBLOCK_BYTES = 4096;
/** Says nothing when all is well. */
const CHECK = 'thin_check -q';
export const METADATA_SLICE = `/dev/mapper/${METADATA}`;
export const METADATA_MIB = SIZES_MIB.metadata;
/** Where the pool's metadata are on the disk: their superblock comes first. */
export const METADATA_AT = SIZES_MIB.state * MIB;

export class Slices {
  readonly #directory: string;
  readonly #devices: Devices;
  /** What only reads. */
  readonly tools = new LastingShell();
  readonly verdicts = new Verdicts();
  /** The mounted file system. */
  readonly state: string;

  constructor(directory: string, devices: Devices) {
    this.#directory = directory;
    this.#devices = devices;
    this.state = join(directory, 'state');
  }

  get rootPath(): string {
    return join(this.state, 'root');
  }

  /** On a disk that is all zeros. */
  async format(disk: string): Promise<void> {
    await this.#make(disk);
    // What mkfs leaves for the kernel to do later would be among the writes that are looked at.
    const options = 'lazy_itable_init=0,lazy_journal_init=0,nodiscard';
    await shell('mkfs.ext4', '-q', '-b', '4096', '-E', options, `/dev/mapper/${STATE}`);
  }

  /**
   * Slices that are there already are taken as they are. `check` is what an operator runs on the metadata first; answers what
   * it says.
   */
  async open(disk: string, check = CHECK): Promise<string> {
    await mkdir(this.state, { recursive: true });
    await chmod(this.state, 0o755);
    if ((await this.#devices.list(STATE)).length === 0) await this.#make(disk);
    const said = await this.#checked(check);
    mountAt({ source: `/dev/mapper/${STATE}`, type: 'ext4', options: [], dir: this.state });
    await this.#devices.create(POOL, POOL_TABLE, POOL_UUID);
    return said;
  }

  /** Takes all away, and answers the pool's thin ids; fails when the pool or the file system is not sound. */
  async close(): Promise<readonly string[]> {
    await this.#devices.remove(`${POOL}-`);
    await this.#devices.remove(POOL);
    unmount(this.state);
    await this.tools.run(`e2fsck -fn /dev/mapper/${STATE}`);
    const listed = `${CHECK} ${METADATA_SLICE} && thin_ls --no-headers -o DEV ${METADATA_SLICE}`;
    const ids = await this.verdicts.of(listed, METADATA_SLICE, () => this.tools.run(listed));
    for (const slice of SLICES) await this.#devices.remove(slice);
    return ids.split(/\s+/).filter(Boolean);
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

  async #make(disk: string): Promise<void> {
    for (const slice of SLICE_NAMES) {
      await this.#devices.create(`thinsnap-test-${slice}`, `${lengthOf(slice)} linear ${placeOf(slice, disk)}`);
    }
  }

  async #checked(check: string): Promise<string> {
    // A new pool's first block is zero, which thin_check takes for damage.
    if (await isNew(METADATA_SLICE)) return '';
    const checked = `${check} ${METADATA_SLICE}`;
    const look = (): Promise<string> => this.tools.run(checked);
    // Any other check may write, and is to do so each time.
    return check === CHECK ? this.verdicts.of(checked, METADATA_SLICE, look) : look();
  }
}

async function isNew(path: string): Promise<boolean> {
  const metadata = await open(path, 'r');
  try {
    const { buffer } = await metadata.read(Buffer.alloc(SUPERBLOCK_BYTES), 0, SUPERBLOCK_BYTES, 0);
    return buffer.every((byte) => byte === 0);
  } finally {
    await metadata.close();
  }
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
