// A pool and the file system of root_path on disks that can lose their power at one moment: what was written by then is there, and
// what the kernel still held in memory is not. (Disks with a cache of their own, which lose that as well, are vm/power-cuts'.)

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  create,
  DATA,
  DATA_DISK,
  linear,
  METADATA,
  makePool,
  openPool,
  type PoolSize,
  removePool,
  toSectors,
} from './pool.ts';
import { shell } from './shell.ts';

const STATE = 'thinsnap-test-state';
const STATE_PATH = `/dev/mapper/${STATE}`;
const STATE_MIB = 64;

export class PoweredPool {
  readonly #directory: string;
  readonly #size: PoolSize;

  private constructor(directory: string, size: PoolSize) {
    this.#directory = directory;
    this.#size = size;
  }

  static async make(size: PoolSize): Promise<PoweredPool> {
    const pool = new PoweredPool(await mkdtemp(join(tmpdir(), 'thinsnap-test-')), size);
    await mkdir(pool.#mountPoint);
    await makePool(size);
    await pool.#openState();
    await shell('mkfs.ext4', '-q', STATE_PATH);
    await pool.#mount();
    return pool;
  }

  get rootPath(): string {
    return join(this.#mountPoint, 'root');
  }

  /** Whatever is asked of the disks from now on fails. */
  async cut(): Promise<void> {
    const { metadataMib, dataMib } = this.#size;
    const sizes = { [STATE]: STATE_MIB, [METADATA]: metadataMib, [DATA]: dataMib };
    // All hold before the first fails: a write that waited for another's end has one moment with it.
    const held = Object.keys(sizes).map((name) => `dmsetup suspend --noflush --nolockfs ${name}`);
    const off = Object.entries(sizes).map(
      ([name, sizeMib]) => `dmsetup load ${name} --table '0 ${toSectors(sizeMib)} error' && dmsetup resume ${name}`,
    );
    await shell('sh', '-ec', [...held, ...off].join('\n'));
  }

  /** As after a reboot; nobody may use it any more. Fails when the pool or the file system is not sound. */
  async restore(): Promise<void> {
    await shell('umount', this.#mountPoint);
    await removePool(this.#size);
    await this.#openState();
    await this.#mount();
    await openPool(this.#size);
  }

  async remove(): Promise<void> {
    await shell('umount', this.#mountPoint);
    await shell('e2fsck', '-fn', STATE_PATH);
    await removePool(this.#size);
    await rm(this.#directory, { recursive: true });
  }

  get #mountPoint(): string {
    return join(this.#directory, 'state');
  }

  /** After the pool's data. */
  #openState(): Promise<void> {
    return create(STATE, linear(DATA_DISK, STATE_MIB, this.#size.dataMib));
  }

  async #mount(): Promise<void> {
    await shell('mount', '-t', 'ext4', STATE_PATH, this.#mountPoint);
  }
}
