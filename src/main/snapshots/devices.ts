// Making devices: intent, work, record. Every device begins as a durable record in state Creating, so that after a
// crash at any moment recovery knows what may be half-made and whose it was.

import { failpoint } from '../../shared/failpoints.ts';
import { FaultError, isFault } from '../../shared/faults.ts';
import type { FsType } from '../../shared/tasks.ts';
import { type Bytes, parseBytes, type ThinId } from '../../shared/units.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Device, DeviceEvent, Purpose } from '../catalog/records.ts';
import { nextState } from '../catalog/records.ts';
import type { Lanes } from '../lanes.ts';
import type { Reaper } from '../upkeep/reaper.ts';
import type { SpaceGuard } from '../upkeep/space-guard.ts';
import type { Volumes } from '../volumes/volumes.ts';

/** Another id is tried this often when the pool holds one that nobody told us of. */
const PLACE_TRIES = 16;
const ZERO = parseBytes(0);

export interface FileSystemSpec {
  readonly fsType: FsType;
  readonly fsOptions: readonly string[];
  readonly sizeBytes: Bytes;
}

interface Plan {
  readonly purpose: Purpose;
  readonly origin: Device | null;
  readonly fsType: FsType;
  readonly sizeBytes: Bytes;
}

export interface DevicesOptions {
  readonly catalog: Catalog;
  readonly volumes: Volumes;
  readonly lanes: Lanes;
  readonly reaper: Reaper;
  readonly guard: SpaceGuard;
  /** A thin id that the pool holds and nobody here made: left alone from then on. */
  readonly onForeignThinId: (thinId: ThinId) => void;
}

export class Devices {
  readonly #options: DevicesOptions;

  constructor(options: DevicesOptions) {
    this.#options = options;
  }

  /**
   * A writable copy of `origin`, which the caller has pinned, ready to mount. What is answered is the record to write, with
   * the snapshot's; the durable one is still Creating. A caller that cannot write it gives it to `abandon`.
   */
  snapshotOf(origin: Device, sizeBytes: Bytes): Promise<Device> {
    return this.#copyOf({ purpose: { kind: 'snapshot' }, origin, fsType: origin.fsType, sizeBytes });
  }

  /** As `snapshotOf`, for nobody yet. The origin need not be pinned: one that is deleted meanwhile makes this fail. */
  standbyOf(origin: Device): Promise<Device> {
    const { fsType, sizeBytes } = origin;
    return this.#copyOf({ purpose: { kind: 'standby' }, origin, fsType, sizeBytes });
  }

  #copyOf(plan: Plan & { readonly origin: Device }): Promise<Device> {
    return this.#make(plan, async (device) => {
      await this.#options.volumes.createSnapshot(device, plan.origin);
      return moved(device, 'activate');
    });
  }

  /** A copy of a device in use, at rest, as it is at one moment. Its record is still Creating. */
  async snapshotInUse(origin: Device): Promise<Device> {
    const plan: Plan = { purpose: { kind: 'snapshot' }, origin, fsType: origin.fsType, sizeBytes: origin.sizeBytes };
    return this.#make(plan, async (device) => {
      const mappedBytes = await this.#options.volumes.snapshotInUse(device, origin);
      return { ...device, baselineBytes: origin.baselineBytes, mappedBytes };
    });
  }

  /** The base of this file system: made by whoever asks first, once, and found again ever after. */
  async base(spec: FileSystemSpec): Promise<Device> {
    const { catalog, volumes, lanes } = this.#options;
    const found = this.#findBase(spec);
    if (found !== null) return found;
    return lanes.run(`base ${spec.fsType} ${spec.sizeBytes} ${spec.fsOptions.join(' ')}`, async () => {
      const made = this.#findBase(spec);
      if (made !== null) return made;
      const purpose = { kind: 'base', fsOptions: spec.fsOptions } as const;
      const plan: Plan = { purpose, origin: null, fsType: spec.fsType, sizeBytes: spec.sizeBytes };
      const device = await this.#make(plan, async (fresh) => ({
        ...fresh,
        mappedBytes: await volumes.createBase(fresh),
      }));
      const ready = moved(device, 'deactivate');
      await this.#recordOrAbandon(device, async () => {
        await failpoint('base.before-record');
        await catalog.write([{ kind: 'put-device', device: ready }]);
      });
      await failpoint('base.recorded');
      return ready;
    });
  }

  /** Runs `record`; when it fails, what was made goes to the reaper. */
  async #recordOrAbandon(device: Device, record: () => Promise<void>): Promise<void> {
    try {
      await record();
    } catch (error) {
      await this.abandon(device);
      throw error;
    }
  }

  /** Gives a device that will never be acknowledged to the reaper. Best effort: recovery does it too. */
  async abandon(device: Device): Promise<void> {
    try {
      await failpoint('abandon.before-record');
      await this.#options.catalog.write([{ kind: 'put-device', device: moved(device, 'remove') }]);
    } catch (error) {
      // The catalog takes no more writes. The record says Creating, which recovery removes.
      if (!isFault(error, 'unavailable', 'overloaded')) throw error;
      return;
    }
    void this.#options.reaper.remove(device.id);
    await failpoint('abandon.recorded');
  }

  /** Where nothing is left, what is in its place by now is somebody else's: the record goes, and nothing is removed. */
  async #giveUp(device: Device, error: unknown): Promise<void> {
    if (!(error instanceof FaultError) || error.leaves !== 'nothing') return this.abandon(device);
    try {
      await this.#options.catalog.write([{ kind: 'delete-device', id: device.id }]);
    } catch (refused) {
      if (!isFault(refused, 'unavailable', 'overloaded')) throw refused;
    }
    return undefined;
  }

  #findBase(spec: FileSystemSpec): Device | null {
    for (const device of this.#options.catalog.tables.bases) {
      if (device.purpose.kind !== 'base' || device.state !== 'Deactivated') continue;
      const sameFs = device.fsType === spec.fsType && device.sizeBytes === spec.sizeBytes;
      if (sameFs && device.purpose.fsOptions.join('\0') === spec.fsOptions.join('\0')) return device;
    }
    return null;
  }

  async #make(plan: Plan, work: (device: Device) => Promise<Device>): Promise<Device> {
    await this.#options.guard.check();
    for (let tries = 1; ; tries += 1) {
      const device = this.#newDevice(plan);
      await failpoint('make.before-intent');
      await this.#options.catalog.write([{ kind: 'put-device', device }]);
      try {
        await failpoint('make.intended');
        const made = await work(device);
        await failpoint('make.made');
        return made;
      } catch (error) {
        if (!isFault(error, 'thin-id-taken')) {
          await this.#giveUp(device, error);
          throw error;
        }
        // The id is somebody else's: nothing of ours is there, so nothing may be removed.
        if (device.place.kind === 'thin') this.#options.onForeignThinId(device.place.thinId);
        await this.#options.catalog.write([{ kind: 'delete-device', id: device.id }]);
        if (tries >= PLACE_TRIES) {
          throw new FaultError(
            'pool-unsound',
            `Cannot make a device: ${PLACE_TRIES} thin ids in a row are somebody else's`,
          );
        }
      }
    }
  }

  #newDevice(plan: Plan): Device {
    const { catalog, volumes } = this.#options;
    const mapped = plan.origin?.mappedBytes ?? ZERO;
    return {
      id: catalog.newDeviceId(),
      place: volumes.newPlace(),
      purpose: plan.purpose,
      originId: plan.origin?.id ?? null,
      fsType: plan.fsType,
      sizeBytes: plan.sizeBytes,
      baselineBytes: mapped,
      mappedBytes: mapped,
      state: 'Creating',
    };
  }
}

/** The record after `event`. */
export function moved(device: Device, event: DeviceEvent): Device {
  const state = nextState(device.state, event);
  if (state === null) throw new FaultError('bug', `a device in state ${device.state} cannot ${event}`);
  return { ...device, state };
}
