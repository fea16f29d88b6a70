// Which devices may have lost writes: those that were open for writing while the pool failed writes for want of space. Whoever
// wrote through a file system need not have been told, since an error of writing back reaches who calls fsync and not who
// unmounts; so such a device is never committed. It is what this daemon has seen, and it looks every few seconds.

import { FaultError } from '../../../shared/faults.ts';
import type { PoolStatus } from '../../../shared/tasks.ts';
import type { DeviceId } from '../../../shared/units.ts';
import { type Activity, mayBeWritten } from '../volumes.ts';

export class LostWrites {
  readonly #devices = new Set<DeviceId>();

  /** A pool that has its writers wait loses nothing, until the kernel has them wait no longer. */
  see({ mode, whenFull }: PoolStatus, active: ReadonlyMap<DeviceId, Activity>): void {
    if (mode !== 'out_of_data_space' || whenFull === 'queue') return;
    for (const [id, activity] of active) if (mayBeWritten(activity)) this.#devices.add(id);
  }

  /** Fault `precondition` when it may lack what was written. */
  confirmNone(id: DeviceId, name: string): void {
    if (!this.#devices.has(id)) return;
    const found = 'the pool had no data space left while it was in use, and writes to it may have failed';
    throw new FaultError('precondition', `Cannot commit what "${name}" holds: ${found}. Remove it and make it anew`);
  }

  forget(id: DeviceId): void {
    this.#devices.delete(id);
  }
}
