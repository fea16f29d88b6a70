// What the catalog's file system holds, and one process's LevelDB on it: a batch is there whole or not at all, and a
// process may end before it is there, after it, and between that and hearing of it.

import type { Store } from '../../../src/main/catalog/catalog.ts';
import type { Process } from './world.ts';

/** How the next write fails: a disk that answers EIO may have written nevertheless. */
export type DiskFailure = 'lost' | 'written';

export class MemoryDisk {
  readonly records: Map<string, string>;
  failure: DiskFailure | null = null;
  /** A write has failed: LevelDB takes none any more until it is opened again. */
  broken = false;

  constructor(records: ReadonlyMap<string, string> = new Map()) {
    this.records = new Map(records);
  }

  /** Opening it again mends it, as a restart does. */
  open(process: Pick<Process, 'step'>): Store {
    this.failure = null;
    this.broken = false;
    return {
      get: async (key) => this.records.get(key),
      iterator: () => {
        const left = [...this.records].sort(([a], [b]) => (a < b ? -1 : 1));
        return { nextv: async (size) => left.splice(0, size), close: async () => undefined };
      },
      close: async () => undefined,
      batch: async (operations) => {
        await process.step('catalog: write');
        const failure = this.failure;
        if (failure !== null) this.broken = true;
        if (failure !== 'lost') {
          for (const operation of operations) {
            if (operation.type === 'put') this.records.set(operation.key, operation.value);
            else this.records.delete(operation.key);
          }
        }
        if (failure !== null) throw new Error('EIO: i/o error, fdatasync');
        await process.step('catalog: written');
      },
    };
  }
}
