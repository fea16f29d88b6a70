// Volumes of nothing: every call is written down and does what the test says. What is gone is gone, as with real ones.

import type { Device, Place } from '../../src/main/catalog/records.ts';
import type { Measures, Stock, Stockroom } from '../../src/main/volumes/stockroom.ts';
import type {
  Activity,
  Growth,
  Mode,
  Mount,
  Recovered,
  Sealed,
  Space,
  Turns,
  Volumes,
  VolumesFacts,
} from '../../src/main/volumes/volumes.ts';
import { type Bytes, type DeviceId, KIB, parseBytes, parseThinId } from '../../src/shared/units.ts';

export class FakeVolumes implements Volumes {
  readonly kind = 'thin-pool';
  readonly description = 'volumes of nothing';
  sharesBlocks = true;
  readonly faulty = new Set<DeviceId>();
  growth: Growth | null = null;
  space: Space = { data: { usedBytes: 0, totalBytes: 1000 }, metadata: { usedBytes: 0, totalBytes: 1000 } };
  facts: VolumesFacts = { kind: 'blockfile', directory: '/nowhere' };
  /** The calls in the order they began: "remove 7". */
  readonly calls: string[] = [];
  /** What each call waits for and may fail with. */
  act: (call: string) => Promise<void> = async () => undefined;
  /** Most calls at one time on one device, and in all. */
  mostOnOne = 0;
  mostInAll = 0;
  readonly #running: number[] = [];
  readonly #active = new Map<number, Mode>();
  #lastThinId = 0;

  newPlace(): Place {
    this.#lastThinId += 1;
    return { kind: 'thin', thinId: parseThinId(this.#lastThinId) };
  }

  async createSnapshot(device: Device): Promise<void> {
    await this.#call('createSnapshot', device);
    this.#active.set(device.id, 'rw');
  }

  async createBase(device: Device): Promise<Bytes> {
    await this.#call('createBase', device);
    return parseBytes(64 * KIB);
  }

  async snapshotInUse(device: Device): Promise<Bytes> {
    await this.#call('snapshotInUse', device);
    return parseBytes(128 * KIB);
  }

  async activate(device: Device, mode: Mode): Promise<void> {
    await this.#call('activate', device);
    this.#active.set(device.id, mode);
  }

  activity(device: Device): Activity {
    return this.#active.get(device.id) ?? 'none';
  }

  async deactivate(device: Device): Promise<void> {
    await this.#call('deactivate', device);
    this.#active.delete(device.id);
  }

  mount(device: Device, mode: Mode): Mount {
    return { type: device.fsType, source: `/dev/${device.id}`, options: [mode] };
  }

  async seal(device: Device): Promise<Sealed> {
    await this.#call('seal', device);
    return { open: false, mappedBytes: device.mappedBytes };
  }

  async mapped(device: Device): Promise<Bytes> {
    await this.#call('mapped', device);
    return device.mappedBytes;
  }

  async remove(device: Device, turns: Turns): Promise<void> {
    await turns.run(() => this.#call('remove', device));
    this.#active.delete(device.id);
  }

  async refreshSpace(): Promise<Space> {
    return this.space;
  }

  /** What the stockroom answers. */
  stock: Stock = { held: null, omitted: 'there is nothing', active: new Map() };
  /** Devices that somebody has mounted. */
  readonly open = new Set<number>();
  /** What a look at each device answers. */
  measures: Measures = { footprints: new Map(), others: [], usedBytes: null, omitted: '' };
  readonly stockroom: Stockroom = {
    measure: async () => this.measures,
    inUse: async (devices) => [...devices].filter(({ id }) => this.open.has(id)),
    take: async () => this.stock,
    heldAs: ({ id }) => `thing ${id}`,
    drop: async (what) => void this.calls.push(`drop ${what}`),
    dropActive: async (name) => void this.calls.push(`dropActive ${name}`),
  };

  async recover(): Promise<Recovered> {
    return { resumed: 0, deactivated: 0, kept: 0 };
  }

  async #call(what: string, { id }: Device): Promise<void> {
    this.calls.push(`${what} ${id}`);
    this.#running.push(id);
    this.mostOnOne = Math.max(this.mostOnOne, this.#running.filter((running) => running === id).length);
    this.mostInAll = Math.max(this.mostInAll, this.#running.length);
    try {
      await this.act(`${what} ${id}`);
    } finally {
      this.#running.splice(this.#running.indexOf(id), 1);
    }
  }
}
