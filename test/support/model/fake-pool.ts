// A thin pool and the kernel's devices on it, in memory: ids that are taken or missing, devices that are open, read-only
// or suspended, and what each id holds. It outlives the daemon; a reboot takes the devices and leaves the ids.
//
// What a device holds is the number of the last write to it: a snapshot begins with its origin's, so a child that
// shows another number than its parent had at that moment was made of something else.

import { FaultError } from '../../../src/shared/faults.ts';
import type { Activation, EngineReport, KernelDevice, PoolStatus } from '../../../src/shared/tasks.ts';
import {
  type Bytes,
  KIB,
  parseBytes,
  parseSectors,
  parseThinId,
  SECTOR_BYTES,
  type ThinId,
} from '../../../src/shared/units.ts';

export const BLOCK_BYTES = 64 * KIB;
export const BLOCK_SECTORS = parseSectors(BLOCK_BYTES / SECTOR_BYTES);
export const FAKE_ENGINE: EngineReport = { kind: 'ioctl', reason: 'none is needed', driverVersion: '4.0.0' };
const TOTAL_BLOCKS = 1000;
const NODES = '/dev/mapper/';

interface Thin {
  content: number;
  blocks: number;
}

interface DmDevice {
  readonly uuid: string;
  readonly thinId: ThinId;
  readonly readOnly: boolean;
  suspended: boolean;
  opens: number;
}

export interface Seen {
  readonly content: number;
  readonly readOnly: boolean;
}

export class FakePool {
  readonly thins = new Map<ThinId, Thin>();
  readonly devices = new Map<string, DmDevice>();
  /** Ids that somebody else made. */
  readonly foreign = new Set<ThinId>();
  /** What the kernel would not have forgiven: each one fails the run. */
  readonly violations: string[] = [];
  wasLow = false;
  /** Without space: what becomes of writes then. */
  full: PoolStatus['whenFull'] | null = null;
  #low = false;

  /** Nearly full. */
  set low(low: boolean) {
    this.#low = low;
    this.wasLow ||= low;
  }

  get status(): PoolStatus {
    return {
      mode: this.full === null ? 'rw' : 'out_of_data_space',
      needsCheck: false,
      whenFull: this.full ?? 'error',
      transactionId: 1,
      usedMetadataBlocks: 10,
      totalMetadataBlocks: TOTAL_BLOCKS,
      usedDataBlocks: this.#low ? TOTAL_BLOCKS - 1 : 0,
      totalDataBlocks: TOTAL_BLOCKS,
    };
  }

  /** Somebody else makes a device in the pool, behind our back. */
  makeForeign(id: number): void {
    const thinId = parseThinId(id);
    if (this.thins.has(thinId)) return;
    this.thins.set(thinId, { content: 0, blocks: 1 });
    this.foreign.add(thinId);
  }

  createThin(thinId: ThinId): void {
    if (this.thins.has(thinId)) throw new FaultError('thin-id-taken', `Cannot create thin id ${thinId}: File exists`);
    this.thins.set(thinId, { content: 0, blocks: 1 });
  }

  createSnap(thinId: ThinId, originId: ThinId): void {
    const origin = this.#thin(originId);
    if (this.thins.has(thinId)) throw new FaultError('thin-id-taken', `Cannot create thin id ${thinId}: File exists`);
    for (const [name, device] of this.devices) {
      // The kernel does not refuse it, it corrupts the snapshot (thin-provisioning.rst).
      if (device.thinId === originId && !device.readOnly && !device.suspended) {
        this.violations.push(`a snapshot was taken of ${name}, which is active, writable and not suspended`);
      }
    }
    this.thins.set(thinId, { ...origin });
  }

  deleteThin(thinId: ThinId): void {
    if (!this.thins.has(thinId)) throw new FaultError('thin-id-missing', `Cannot delete thin id ${thinId}: no data`);
    if (this.foreign.has(thinId)) this.violations.push(`thin id ${thinId} was deleted, and it is somebody else's`);
    if ([...this.devices.values()].some((device) => device.thinId === thinId)) {
      throw new FaultError('device-busy', `Cannot delete thin id ${thinId}: Device or resource busy`);
    }
    this.thins.delete(thinId);
  }

  createDevice({ name, uuid, thinId, readOnly }: Activation): void {
    if (this.devices.has(name)) throw new FaultError('device-exists', `Cannot create "${name}": there is one`);
    this.#thin(thinId);
    this.devices.set(name, { uuid, thinId, readOnly, suspended: false, opens: 0 });
  }

  removeDevice(name: string): void {
    if ((this.devices.get(name)?.opens ?? 0) > 0) {
      throw new FaultError('device-busy', `Cannot remove "${name}": Device or resource busy`);
    }
    this.devices.delete(name);
  }

  discard(name: string): void {
    const { opens, thinId } = this.device(name);
    if (opens > 0) throw new FaultError('device-busy', `Cannot use "${name}" alone: it is open ${opens} times`);
    this.#thin(thinId).content = -1;
  }

  suspend(name: string, suspended: boolean): void {
    this.device(name).suspended = suspended;
  }

  device(name: string): DmDevice {
    const device = this.devices.get(name);
    if (device === undefined) throw new FaultError('device-missing', `Cannot use "${name}": No such device`);
    return device;
  }

  mapped(name: string): Bytes {
    return parseBytes(this.#thin(this.device(name).thinId).blocks * BLOCK_BYTES);
  }

  list(uuidPrefix: string): KernelDevice[] {
    const own = [...this.devices].filter(([, { uuid }]) => uuid.startsWith(uuidPrefix));
    return own.map(([name, { uuid, suspended, readOnly, opens }]) => ({
      name,
      uuid,
      suspended,
      readOnly,
      openCount: opens,
    }));
  }

  /** The machine loses power: ids are durable once a message has answered, devices are not. */
  reboot(): void {
    this.devices.clear();
  }

  // What clients do with a path that they were given.

  read(source: string): Seen | null {
    const device = this.devices.get(source.slice(NODES.length));
    if (device === undefined) return null;
    return { content: this.thins.get(device.thinId)?.content ?? -1, readOnly: device.readOnly };
  }

  /** Opens the device at that path; answers how to close it, null when there is none. */
  open(source: string): (() => void) | null {
    const device = this.devices.get(source.slice(NODES.length));
    if (device === undefined) return null;
    device.opens += 1;
    return () => {
      device.opens -= 1;
    };
  }

  /** False where the write would wait or fail: the device is suspended, read-only, or gone. */
  write(source: string, content: number): boolean {
    const device = this.devices.get(source.slice(NODES.length));
    if (device === undefined || device.suspended || device.readOnly) return false;
    const thin = this.#thin(device.thinId);
    thin.content = content;
    thin.blocks += 1;
    return true;
  }

  #thin(thinId: ThinId): Thin {
    const thin = this.thins.get(thinId);
    if (thin === undefined) throw new FaultError('thin-id-missing', `Cannot use thin id ${thinId}: there is none`);
    return thin;
  }
}
