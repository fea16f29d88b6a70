// Keeps room for the catalog's log, so that a file system that is full fails no write of a record: what makes room is a removal, and
// that is one. LevelDB appends to one log and begins another when this one is large; each is given its blocks when it is first seen.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FaultError, toFault } from '../../shared/faults.ts';
import { MIB, parseBytes } from '../../shared/units.ts';
import type { TaskPool } from '../task-pool.ts';

/** LevelDB begins another log at this size (write_buffer_size), which is room for thousands of removals. */
const RESERVE_BYTES = parseBytes(4 * MIB);
const LOG = /^\d+\.log$/;

export interface LogReserveOptions {
  /** Of the catalog's files. */
  readonly directory: string;
  readonly tasks: Pick<TaskPool, 'run'>;
  /** Once, until it goes well again. */
  readonly onError: (found: string) => void;
}

export class LogReserve {
  readonly #options: LogReserveOptions;
  #reserved: string | null = null;
  #told = false;
  #keeping: Promise<void> | null = null;

  constructor(options: LogReserveOptions) {
    this.#options = options;
  }

  /** Looks whether there is a new log, and gives it its blocks. Never rejects: what failed is tried again the next time. */
  keep(): Promise<void> {
    this.#keeping ??= this.#keep().finally(() => {
      this.#keeping = null;
    });
    return this.#keeping;
  }

  async #keep(): Promise<void> {
    const { directory, tasks } = this.#options;
    try {
      const logs = (await readdir(directory)).filter((file) => LOG.test(file));
      const newest = logs.sort((left, right) => Number.parseInt(left, 10) - Number.parseInt(right, 10)).at(-1);
      if (newest === undefined || newest === this.#reserved) return;
      if (!(await tasks.run('reserveFile', { path: join(directory, newest), sizeBytes: RESERVE_BYTES }))) {
        this.#tell('its file system has no room, or cannot allocate ahead');
        return;
      }
      this.#reserved = newest;
      this.#told = false;
    } catch (error) {
      if (error instanceof FaultError && error.code === 'bug') throw error;
      this.#tell(toFault(error).message);
    }
  }

  #tell(found: string): void {
    if (!this.#told) this.#options.onError(found);
    this.#told = true;
  }
}
