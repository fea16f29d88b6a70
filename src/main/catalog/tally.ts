// What the head says of all records: how many there are, and the sum of their checksums. It does not depend on the order
// of the records, so a write changes it by what it replaces and what it puts there, and nothing else is read.

import type { DeviceId } from '../../shared/units.ts';
import type { Change } from './tables.ts';

export interface Figures {
  readonly snapshots: number;
  readonly devices: number;
  readonly sum: number;
}

export class Tally {
  readonly #snapshots = new Map<string, number>();
  readonly #devices = new Map<DeviceId, number>();
  #identity = 0;
  #sum = 0;

  get figures(): Figures {
    return { snapshots: this.#snapshots.size, devices: this.#devices.size, sum: this.#sum >>> 0 };
  }

  /** Whether there is a record of this device. */
  hasDevice(id: DeviceId): boolean {
    return this.#devices.has(id);
  }

  /** `sum`: what the new record adds; 0 for a deletion. */
  add(change: Change, sum: number): void {
    switch (change.kind) {
      case 'put-snapshot':
        this.#replace(this.#snapshots.get(change.snapshot.key), sum);
        this.#snapshots.set(change.snapshot.key, sum);
        break;
      case 'delete-snapshot':
        this.#replace(this.#snapshots.get(change.key), 0);
        this.#snapshots.delete(change.key);
        break;
      case 'put-device':
        this.#replace(this.#devices.get(change.device.id), sum);
        this.#devices.set(change.device.id, sum);
        break;
      case 'delete-device':
        this.#replace(this.#devices.get(change.id), 0);
        this.#devices.delete(change.id);
        break;
    }
  }

  setIdentity(sum: number): void {
    this.#replace(this.#identity, sum);
    this.#identity = sum;
  }

  #replace(old = 0, sum: number): void {
    this.#sum = (this.#sum - old + sum) | 0;
  }
}
