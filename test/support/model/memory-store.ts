// What the catalog's file system holds, and one process's LevelDB on it: a batch is there whole or not at all, and a
// process may end before it is there, after it, and between that and hearing of it.

import * as assert from 'uvu/assert';
import type { Mark, MarkRecord } from '../../../src/main/catalog/mark.ts';
import type { Storage, Store } from '../../../src/main/catalog/store.ts';
import type { Process } from './world.ts';

/** How the next write fails: a disk that answers EIO may have written nevertheless. */
export type DiskFailure = 'lost' | 'written';

/** What a disk holds when it is first looked at. */
export interface Stored {
  readonly records: ReadonlyMap<string, string>;
  readonly mark: MarkRecord | null;
}

export class MemoryDisk {
  readonly records: Map<string, string>;
  failure: DiskFailure | null = null;
  /** A write has failed: LevelDB takes none any more until it is opened again. */
  broken = false;

  mark: MarkRecord | null;

  constructor({ records, mark }: Stored = { records: new Map(), mark: null }) {
    this.records = new Map(records);
    this.mark = mark;
  }

  /** The real marker is beside it; the mark is never behind. */
  storage(process: Pick<Process, 'step'>): Storage {
    return {
      lock: async () => ({ release: async () => undefined }),
      openMark: async () => this.#openMark(),
      withCopy: async (_rootPath, _options, action) => action(this.open(process)),
      open: async () => this.open(process),
    };
  }

  #openMark(): Mark {
    return {
      found: this.mark,
      put: async (record) => {
        this.mark = record;
      },
      close: async () => undefined,
    };
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
      batch: async (operations, { sync }) => {
        // A process that ends loses nothing of what is not synced, a machine does: that is vm/power-loss.
        assert.ok(sync, 'a batch is not synced');
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
