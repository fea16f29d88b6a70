// Volumes on a device-mapper thin pool: a device is a thin id of the pool, made known to the kernel as
// POOL-snap-N while somebody uses it.
//
// Invariants:
//   * A committed device is inactive, or active read-only under its own name for all views together. So a snapshot of it
//     never needs a suspend, unless someone opened it in the moment between its commit and its deactivation.
//   * `#active` says what the kernel has; it is set after the kernel answered and only here. A task that changes it and does
//     not come back, or fails half-way, leaves `unsure` or `unknown`: whoever uses the device next runs a task that looks first.

import { failpoint } from '../../../shared/failpoints.ts';
import { FaultError, isFault } from '../../../shared/faults.ts';
import type { Activation, EngineReport, NameFate, Origin, PoolStatus } from '../../../shared/tasks.ts';
import { type Bytes, type DeviceId, type Sectors, type ThinId, toBytes, toSectors } from '../../../shared/units.ts';
import type { Device, Place } from '../../catalog/records.ts';
import type { TaskPool } from '../../task-pool.ts';
import {
  type Activity,
  type Mode,
  type Mount,
  mayBeWritten,
  mountOptions,
  type Recovered,
  type Sealed,
  type Space,
  type Turns,
  type UnknownFate,
  type Volumes,
  type VolumesFacts,
} from '../volumes.ts';
import { Deletions } from './deletions.ts';
import { growthOf, type KnownPool, type PoolGrowth } from './pool-growth.ts';
import { PoolSight } from './pool-sight.ts';
import { PoolStockroom } from './pool-stockroom.ts';
import { thinIdOf } from './thin-id-of.ts';
import { ThinIds, type ThinIdsOptions } from './thin-ids.ts';

export interface ThinPoolOptions extends ThinIdsOptions {
  readonly known: KnownPool;
  readonly tasks: Pick<TaskPool, 'run'>;
  /** Its transaction id, where that is ours to keep. */
  readonly poolTag: number | null;
  readonly description: string;
  readonly engine: EngineReport;
  /** Dm uuids of our devices begin with it: the mark by which we know our own. */
  readonly uuidPrefix: string;
  readonly dataBlockSectors: Sectors;
  readonly status: PoolStatus;
  /** Whether it belongs to someone who was in the pool before us, or came since. */
  readonly isForeign: (thinId: ThinId) => boolean;
  readonly mountOptions: readonly string[];
  readonly discardBlocks: boolean;
}

export class ThinPoolVolumes implements Volumes {
  readonly kind = 'thin-pool';
  readonly sharesBlocks = true;
  readonly description: string;
  readonly stockroom: PoolStockroom;
  readonly growth: PoolGrowth | null;
  readonly #options: ThinPoolOptions;
  readonly #thinIds: ThinIds;
  readonly #deletions: Deletions;
  readonly #active = new Map<DeviceId, Exclude<Activity, 'none'>>();
  readonly #sight: PoolSight;

  constructor(options: ThinPoolOptions) {
    this.#options = options;
    this.description = options.description;
    this.stockroom = new PoolStockroom(options);
    this.#thinIds = new ThinIds(options);
    this.#deletions = new Deletions({ ...options, onStatus: (status) => this.#sight.see(status) });
    this.#sight = new PoolSight({ ...options, makeup: options.known.makeup, active: this.#active });
    this.growth = growthOf(options, (status) => this.#sight.see(status));
  }

  newPlace(): Place {
    return { kind: 'thin', thinId: this.#thinIds.next() };
  }

  async createSnapshot(device: Device, origin: Device): Promise<void> {
    const { tasks } = this.#options;
    const activation = this.#activation(device, 'rw');
    const from = this.#origin(origin);
    this.#sight.see(await this.#resumed(from, () => tasks.run('createSnap', { activation, origin: from })));
    this.#active.set(device.id, 'rw');
    // A failure leaves the device to whoever asked for it, as its record says that it may be there.
    if (device.sizeBytes > origin.sizeBytes) {
      await tasks.run('growThin', { name: activation.name, fsType: device.fsType });
    }
  }

  async createBase(device: Device): Promise<Bytes> {
    const options = device.purpose.kind === 'base' ? device.purpose.fsOptions : [];
    const made = await this.#options.tasks.run('createBase', {
      activation: this.#activation(device, 'rw'),
      mkfs: { fsType: device.fsType, options },
    });
    this.#sight.see(made.status);
    return made.mappedBytes;
  }

  async snapshotInUse(device: Device, origin: Device): Promise<Bytes> {
    const { tasks, poolName: pool, poolTag } = this.#options;
    const args = { pool, poolTag, thinId: thinIdOf(device), origin: this.#origin(origin) };
    const made = await this.#resumed(args.origin, () => tasks.run('snapActive', args));
    this.#sight.see(made.status);
    return made.mappedBytes;
  }

  activity(device: Device): Activity {
    return this.#active.get(device.id) ?? 'none';
  }

  async activate(device: Device, mode: Mode): Promise<void> {
    const active = this.#active.get(device.id);
    if (active === mode) return;
    // Only a commit whose deactivation is still to come leaves a device in the other mode.
    if (active === 'rw' || active === 'ro') await this.deactivate(device);
    // Until the kernel's answer is there, however long that takes.
    this.#active.set(device.id, mode === 'ro' && active !== 'unknown' ? 'unsure' : 'unknown');
    await this.#options.tasks.run('activate', this.#activation(device, mode));
    this.#active.set(device.id, mode);
  }

  async deactivate(device: Device): Promise<void> {
    if (this.#active.has(device.id)) await this.#deactivate(device, 'returns');
  }

  mount(device: Device, mode: Mode): Mount {
    return {
      type: device.fsType,
      source: `/dev/mapper/${this.#name(device)}`,
      options: mountOptions(device, mode, this.#options.mountOptions),
    };
  }

  async seal(device: Device): Promise<Sealed> {
    await this.activate(device, 'rw');
    const { tasks, poolName: pool, poolTag } = this.#options;
    const sealed = await tasks.run('sealThin', { pool, poolTag, name: this.#name(device) });
    this.#sight.see(sealed.status);
    await this.#sight.lookBelow();
    return sealed;
  }

  async mapped(device: Device): Promise<Bytes> {
    const activity = this.activity(device);
    if (activity !== 'rw' && activity !== 'ro') await this.activate(device, 'rw');
    return this.#options.tasks.run('thinMapped', { name: this.#name(device) });
  }

  async remove(device: Device, turns: Turns): Promise<void> {
    const failed = await turns.run(() => this.#retire(device));
    await this.#deletions.delete(thinIdOf(device));
    this.#sight.faulty.delete(device.id);
    // Told only now: the id must go whatever became of the discard, and whoever asks again finds it gone.
    if (failed !== null) throw failed;
  }

  get facts(): VolumesFacts {
    const { poolName, engine, dataBlockSectors, known } = this.#options;
    return {
      kind: 'thin-pool',
      poolName,
      blockBytes: toBytes(dataBlockSectors),
      status: this.#sight.status,
      engine: engine.kind,
      driverVersion: engine.driverVersion,
      makeup: known.makeup,
    };
  }

  get faulty(): ReadonlySet<DeviceId> {
    return this.#sight.faulty;
  }

  get space(): Space {
    return this.#sight.space;
  }

  async refreshSpace(): Promise<Space> {
    const { tasks, poolName: pool, poolTag } = this.#options;
    this.#sight.see(await tasks.run('poolStatus', { pool, poolTag }));
    await this.#sight.lookBelow();
    return this.space;
  }

  async recover(devices: ReadonlyMap<DeviceId, Device>, unknown: UnknownFate): Promise<Recovered> {
    const { tasks, uuidPrefix } = this.#options;
    const known = new Map([...devices.values()].map((device) => [this.#uuid(device), device]));
    for (const { id, state } of devices.values()) if (state === 'Faulty') this.#sight.faulty.add(id);
    let resumed = 0;
    let deactivated = 0;
    let kept = 0;
    for (const found of await tasks.run('listDevices', { uuidPrefix })) {
      if (found.suspended) {
        await tasks.run('resume', { name: found.name });
        resumed += 1;
        await failpoint('recover.device-resumed');
      }
      const device = known.get(found.uuid);
      if (device !== undefined) {
        this.#active.set(device.id, found.readOnly ? 'ro' : 'rw');
        continue;
      }
      if (unknown === 'keep') {
        kept += 1;
        continue;
      }
      // Ours by its uuid, and its record is gone: the id was deleted or never acknowledged. Its mapping alone is left.
      try {
        await tasks.run('deactivate', { name: found.name, uuid: found.uuid, fate: 'never' });
        deactivated += 1;
        await failpoint('recover.device-deactivated');
      } catch (error) {
        if (!isFault(error, 'device-busy')) throw error;
      }
    }
    this.#sight.see(this.#sight.status);
    return { resumed, deactivated, kept };
  }

  async #deactivate(device: Device, fate: NameFate): Promise<void> {
    try {
      await this.#options.tasks.run('deactivate', { name: this.#name(device), uuid: this.#uuid(device), fate });
      this.#active.delete(device.id);
    } catch (error) {
      // When somebody has it open it is there as it was.
      const before = this.activity(device);
      const wasReadOnly = before === 'ro' || before === 'unsure';
      if (!isFault(error, 'device-busy')) this.#active.set(device.id, wasReadOnly ? 'unsure' : 'unknown');
      throw error;
    }
  }

  /** Answers what went wrong where the deletion can go on without it. */
  async #retire(device: Device): Promise<FaultError | null> {
    let failed: FaultError | null = null;
    try {
      if (this.#options.discardBlocks) await this.#options.tasks.run('discardThin', this.#activation(device, 'rw'));
    } catch (error) {
      if (isFault(error, 'device-busy') || !(error instanceof FaultError)) throw error;
      failed = error;
    }
    await this.#deactivate(device, 'never');
    return failed;
  }

  /** Tasks resume what they suspended; but one that failed may not have, or have ended in the middle, and who writes waits for ever. */
  async #resumed<Answer>(origin: Origin, action: () => Promise<Answer>): Promise<Answer> {
    try {
      return await action();
    } catch (error) {
      if (origin.state === 'active') await this.#resume(origin.name);
      throw error;
    }
  }

  /** What fails here is done by the next start. */
  async #resume(name: string): Promise<void> {
    try {
      await this.#options.tasks.run('resume', { name });
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
    }
  }

  #origin(origin: Device): Origin {
    const thinId = thinIdOf(origin);
    // Not known, after an attempt to deactivate it: it is there, and in use.
    return mayBeWritten(this.activity(origin))
      ? { state: 'active', thinId, name: this.#name(origin) }
      : { state: 'resting', thinId };
  }

  #activation(device: Device, mode: Mode): Activation {
    return {
      pool: this.#options.poolName,
      poolTag: this.#options.poolTag,
      name: this.#name(device),
      uuid: this.#uuid(device),
      thinId: thinIdOf(device),
      sizeSectors: toSectors(device.sizeBytes),
      readOnly: mode === 'ro',
    };
  }

  /** As containerd's devmapper names its devices, so that people and scripts who know those find ours. */
  #name(device: Device): string {
    return `${this.#options.poolName}-snap-${device.id}`;
  }

  #uuid(device: Device): string {
    return `${this.#options.uuidPrefix}${device.id}`;
  }
}
