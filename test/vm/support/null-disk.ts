// Disks in memory that can be switched off: null_blk, through configfs. One with a volatile cache keeps what was flushed when it
// is switched off, and loses what was not (Documentation/block/null_blk.rst; seen in the virtual machine).

import { mkdir, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const CONFIG = '/sys/kernel/config/nullb';

export interface NullDiskOptions {
  readonly sizeMib: number;
  /** Of the volatile cache. */
  readonly cacheMib: number;
}

export class NullDisk {
  readonly path: string;
  readonly #config: string;

  private constructor(name: string) {
    this.path = `/dev/${name}`;
    this.#config = join(CONFIG, name);
  }

  /** All zeros, and switched on. */
  static async make(name: string, { sizeMib, cacheMib }: NullDiskOptions): Promise<NullDisk> {
    const disk = new NullDisk(name);
    await mkdir(disk.#config);
    await disk.set('size', sizeMib);
    await disk.set('memory_backed', 1);
    await disk.set('cache_size', cacheMib);
    await disk.switchOn();
    return disk;
  }

  async switchOn(): Promise<void> {
    await this.set('power', 1);
  }

  /** Whatever is asked of it from now on fails. */
  async switchOff(): Promise<void> {
    await this.set('power', 0);
  }

  async set(attribute: string, value: string | number): Promise<void> {
    await writeFile(join(this.#config, attribute), String(value));
  }

  async remove(): Promise<void> {
    await this.switchOff();
    await rmdir(this.#config);
  }
}
