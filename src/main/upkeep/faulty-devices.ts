// Devices that may lack what was written to them. Volumes see which ones; here it is written down, so that no start forgets it.

import { FaultError } from '../../shared/faults.ts';
import type { DeviceId } from '../../shared/units.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { deviceLane, Gate, type Lanes } from '../lanes.ts';
import { moved } from '../snapshots/devices.ts';
import type { Volumes } from '../volumes/volumes.ts';

const RECORDS_AT_ONCE = 32;

export interface FaultyDevicesOptions {
  readonly catalog: Catalog;
  readonly volumes: Pick<Volumes, 'faulty'>;
  readonly lanes: Lanes;
  /** Once for each device. */
  readonly onRecorded: (ids: readonly DeviceId[]) => void;
}

export class FaultyDevices {
  readonly #options: FaultyDevicesOptions;
  readonly #gate = new Gate(RECORDS_AT_ONCE);
  readonly #underWay = new Set<DeviceId>();

  constructor(options: FaultyDevicesOptions) {
    this.#options = options;
  }

  /** Writes down what is not yet. What cannot be written is tried again the next time; that the catalog is broken is told elsewhere. */
  async record(): Promise<void> {
    const found = [...this.#options.volumes.faulty].filter((id) => this.#isNew(id) && !this.#underWay.has(id));
    for (const id of found) this.#underWay.add(id);
    const written = await Promise.all(found.map((id) => this.#gate.run(() => this.#recordOne(id))));
    const recorded = found.filter((_, index) => written[index]);
    if (recorded.length > 0) this.#options.onRecorded(recorded);
  }

  /** Records for a last time, and waits for it. */
  async close(): Promise<void> {
    await this.record();
    await this.#gate.idle();
  }

  #isNew(id: DeviceId): boolean {
    const device = this.#options.catalog.tables.devices.get(id);
    return device?.state === 'Activated' && device.purpose.kind === 'snapshot';
  }

  async #recordOne(id: DeviceId): Promise<boolean> {
    const { catalog, lanes } = this.#options;
    try {
      return await lanes.run(deviceLane(id), async () => {
        if (!this.#isNew(id)) return false;
        await catalog.write([{ kind: 'put-device', device: moved(catalog.tables.device(id), 'fault') }]);
        return true;
      });
    } catch (error) {
      if (error instanceof FaultError && error.code !== 'bug') return false;
      throw error;
    } finally {
      this.#underWay.delete(id);
    }
  }
}
