// The files of blockfile volumes, read beside the catalog.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FaultError } from '../../../shared/faults.ts';
import type { DeviceId } from '../../../shared/units.ts';
import type { Device } from '../../catalog/records.ts';
import type { TaskPool } from '../../task-pool.ts';
import type { Footprint, Measures, Stock, Stockroom } from '../stockroom.ts';

/** What this kind of volumes and its tasks name files: nothing else in the directory is ever touched. */
export const OUR_FILES = /^\d+\.img(\.partial)?$/;
const HELD_AS = /^file (\d+\.img)$/;

export interface FileStockroomOptions {
  readonly tasks: Pick<TaskPool, 'run'>;
  readonly directory: string;
}

export class FileStockroom implements Stockroom {
  readonly #options: FileStockroomOptions;

  constructor(options: FileStockroomOptions) {
    this.#options = options;
  }

  /** What is being written beside its name is its device's. */
  async take(): Promise<Stock> {
    const files = await readdir(this.#options.directory);
    const ours = files.filter((file) => OUR_FILES.test(file)).map((file) => `file ${file.replace(/\.partial$/, '')}`);
    return { held: new Set(ours), omitted: '', active: new Map() };
  }

  heldAs({ id }: Device): string {
    return `file ${id}.img`;
  }

  async measure(devices: Iterable<Device>): Promise<Measures> {
    const { tasks, directory } = this.#options;
    const ids = [...devices].map(({ id }) => id);
    const paths = ids.map((id) => join(directory, `${id}.img`));
    const found = await tasks.run('fileFootprints', { paths });
    const footprints = new Map<DeviceId, Footprint>();
    for (const [index, id] of ids.entries()) {
      const footprint = found.footprints[index] ?? null;
      if (footprint === null) continue;
      const { allocatedBytes: mappedBytes, exclusiveBytes } = footprint;
      footprints.set(id, { mappedBytes, exclusiveBytes });
    }
    return { footprints, others: [], usedBytes: null, omitted: found.omitted };
  }

  async inUse(devices: Iterable<Device>): Promise<readonly Device[]> {
    const { tasks, directory } = this.#options;
    const byPath = new Map([...devices].map((device) => [join(directory, `${device.id}.img`), device]));
    const open = new Set(await tasks.run('openFiles', { paths: [...byPath.keys()] }));
    return [...byPath].filter(([path]) => open.has(path)).map(([, device]) => device);
  }

  async drop(heldAs: string): Promise<void> {
    const { tasks, directory } = this.#options;
    const [, file] = HELD_AS.exec(heldAs) ?? [];
    if (file === undefined) {
      throw new FaultError('invalid', `Cannot drop ${JSON.stringify(heldAs)}: it is no file of these volumes`);
    }
    await tasks.run('removeFile', { path: join(directory, file) });
  }

  /** Who mounts a file makes its device: there are none of ours. */
  async dropActive(): Promise<void> {}
}
