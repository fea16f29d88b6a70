// What a pool and the kernel hold, read beside the catalog: thin ids by thin_ls, devices by the uuids that carry our mark.

import { FaultError, isFault, toError } from '../../../shared/faults.ts';
import { type DeviceId, parseDeviceId, parseThinId, type Sectors, type ThinId } from '../../../shared/units.ts';
import type { Device } from '../../catalog/records.ts';
import { Gate } from '../../lanes.ts';
import type { TaskPool } from '../../task-pool.ts';
import type { Footprint, Measures, Stock, Stockroom } from '../stockroom.ts';
import { toSpace } from './pool-space.ts';
import { thinIdOf } from './thin-id-of.ts';

const HELD_AS = /^thin id (\d{1,8})$/;
const DEVICE_NUMBER = /^\d{1,15}$/;

export interface PoolStockroomOptions {
  readonly tasks: Pick<TaskPool, 'run'>;
  readonly poolName: string;
  readonly poolTag: number | null;
  readonly uuidPrefix: string;
  readonly dataBlockSectors: Sectors;
  /** Whether it belongs to someone who was in the pool before us, or came since. */
  readonly isForeign: (thinId: ThinId) => boolean;
}

export class PoolStockroom implements Stockroom {
  readonly #options: PoolStockroomOptions;
  /** A pool has one slot for a metadata snapshot, and who finds it taken takes it over. */
  readonly #snapshotSlot = new Gate(1);

  constructor(options: PoolStockroomOptions) {
    this.#options = options;
  }

  async take(): Promise<Stock> {
    const { tasks, uuidPrefix } = this.#options;
    const active = new Map(
      (await tasks.run('listDevices', { uuidPrefix })).map(({ name, uuid }) => {
        const digits = uuid.slice(uuidPrefix.length);
        return [name, DEVICE_NUMBER.test(digits) ? parseDeviceId(Number(digits)) : null] as const;
      }),
    );
    return { ...(await this.#thinIds()), active };
  }

  heldAs(device: Device): string {
    return toText(thinIdOf(device));
  }

  async measure(devices: Iterable<Device>): Promise<Measures> {
    const { tasks, poolName: pool, dataBlockSectors } = this.#options;
    const { status, thins } = await this.#snapshotSlot.run(() => tasks.run('poolFootprints', { pool }));
    const left = new Map<ThinId, Footprint>(thins.map(({ thinId, ...footprint }) => [thinId, footprint]));
    const footprints = new Map<DeviceId, Footprint>();
    for (const device of devices) {
      const thinId = thinIdOf(device);
      const footprint = left.get(thinId);
      if (footprint === undefined) continue;
      footprints.set(device.id, footprint);
      left.delete(thinId);
    }
    const usedBytes = toSpace(status, dataBlockSectors).data.usedBytes;
    return { footprints, others: [...left.values()], usedBytes, omitted: '' };
  }

  async inUse(devices: Iterable<Device>): Promise<readonly Device[]> {
    const { tasks, uuidPrefix } = this.#options;
    const found = await tasks.run('listDevices', { uuidPrefix });
    const open = new Set(found.filter(({ openCount }) => openCount > 0).map(({ uuid }) => uuid));
    return [...devices].filter(({ id }) => open.has(`${uuidPrefix}${id}`));
  }

  async drop(heldAs: string): Promise<void> {
    const { tasks, poolName: pool, poolTag } = this.#options;
    const [, digits] = HELD_AS.exec(heldAs) ?? [];
    if (digits === undefined) {
      throw new FaultError('invalid', `Cannot drop ${JSON.stringify(heldAs)}: it is none of this pool's thin ids`);
    }
    const thinIds = [parseThinId(Number(digits))];
    const { failed } = await tasks.run('deleteThins', { pool, poolTag, thinIds });
    for (const fault of failed.values()) throw toError(fault);
  }

  async dropActive(name: string): Promise<void> {
    const { tasks, uuidPrefix } = this.#options;
    const found = (await tasks.run('listDevices', { uuidPrefix })).find((device) => device.name === name);
    if (found !== undefined) await tasks.run('deactivate', { name, uuid: found.uuid, fate: 'never' });
  }

  async #thinIds(): Promise<Pick<Stock, 'held' | 'omitted'>> {
    const { tasks, poolName: pool, isForeign } = this.#options;
    try {
      const ids = await this.#snapshotSlot.run(() => tasks.run('poolThinIds', { pool }));
      return { held: new Set(ids.filter((id) => !isForeign(id)).map(toText)), omitted: '' };
    } catch (error) {
      if (!isFault(error, 'tool-missing')) throw error;
      return { held: null, omitted: error.message };
    }
  }
}

function toText(thinId: ThinId): string {
  return `thin id ${thinId}`;
}
