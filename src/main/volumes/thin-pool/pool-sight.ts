// What was last seen of a pool and of the file system below one on files, and what follows: how much space there is, and which
// devices may lack what was written to them.

import { join } from 'node:path';
import type { PoolMakeup } from '../../../shared/pool-makeup.ts';
import type { PoolStatus } from '../../../shared/tasks.ts';
import type { DeviceId, Sectors } from '../../../shared/units.ts';
import { hostSpace, unallocatedBytes } from '../host-space.ts';
import { type Activity, mayBeWritten, type Space } from '../volumes.ts';
import { toSpace } from './pool-space.ts';

export interface PoolSightOptions {
  readonly status: PoolStatus;
  readonly makeup: PoolMakeup | null;
  readonly dataBlockSectors: Sectors;
  /** What the kernel has of ours. */
  readonly active: ReadonlyMap<DeviceId, Activity>;
}

export class PoolSight {
  readonly faulty = new Set<DeviceId>();
  readonly #options: PoolSightOptions;
  #status: PoolStatus;
  /** What the pool's file was promised and has not taken, and what its file system has. */
  #below = { promisedBytes: 0, freeBytes: 0 };

  constructor(options: PoolSightOptions) {
    this.#options = options;
    this.#status = options.status;
  }

  get status(): PoolStatus {
    return this.#status;
  }

  get space(): Space {
    const { data, metadata } = toSpace(this.#status, this.#options.dataBlockSectors);
    const { promisedBytes, freeBytes } = this.#below;
    // Free in the pool, and not there.
    const missingBytes = Math.max(0, Math.min(promisedBytes, data.totalBytes - data.usedBytes) - freeBytes);
    return { data: { ...data, usedBytes: data.usedBytes + missingBytes }, metadata };
  }

  see(status: PoolStatus): void {
    this.#status = status;
    // A pool that has its writers wait loses nothing, until the kernel has them wait no longer.
    if (status.mode === 'out_of_data_space' && status.whenFull !== 'queue') this.#suspectAll();
  }

  /** Looks at what is below a pool on files. Fault `unavailable` when it cannot be seen. */
  async lookBelow(): Promise<void> {
    const { makeup } = this.#options;
    if (makeup?.kind !== 'loop') return;
    const [host, promisedBytes] = await Promise.all([
      hostSpace(makeup.dir),
      unallocatedBytes(join(makeup.dir, 'data')),
    ]);
    this.#below = { promisedBytes, freeBytes: host.freeBytes };
    // Of this the pool knows nothing: it goes on, and whoever writes to a new block of it is told of an error, or not.
    if (host.isFull && promisedBytes > 0) this.#suspectAll();
  }

  #suspectAll(): void {
    for (const [id, activity] of this.#options.active) if (mayBeWritten(activity)) this.faulty.add(id);
  }
}
