// Disks in memory: loop devices over files of a tmpfs, all zeros at first.

import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MIB } from '../../../src/shared/units.ts';
import { shell } from './shell.ts';

const TMPFS = '/run';

export class MemoryDisk {
  readonly path: string;
  readonly #directory: string;

  private constructor(path: string, directory: string) {
    this.path = path;
    this.#directory = directory;
  }

  static async make(sizeMib: number): Promise<MemoryDisk> {
    const directory = await mkdtemp(join(TMPFS, 'thinsnap-test-disk-'));
    const file = join(directory, 'disk');
    await writeFile(file, '');
    await truncate(file, sizeMib * MIB);
    return new MemoryDisk(await shell('losetup', '--find', '--show', file), directory);
  }

  async remove(): Promise<void> {
    await shell('losetup', '--detach', this.path);
    await rm(this.#directory, { recursive: true });
  }
}
