// What storage and the kernel hold, looked at beside the catalog: for who holds the two against each other.

import type { DeviceId } from '../../shared/units.ts';
import type { Device } from '../catalog/records.ts';

/** What storage holds of ours at one moment, each thing under the name that `heldAs` gives to its device. */
export interface Stock {
  /** Null where it cannot be told; `omitted` says why. */
  readonly held: ReadonlySet<string> | null;
  readonly omitted: string;
  /** Ours in the kernel, by the device's name: whose record there is one for, or null for none. */
  readonly active: ReadonlyMap<string, DeviceId | null>;
}

/** What a device takes of storage. */
export interface Footprint {
  /** All that it maps, also what others map too. */
  readonly mappedBytes: number;
  /** What nobody else maps; null where it cannot be told. */
  readonly exclusiveBytes: number | null;
}

export interface Measures {
  /** Of the devices that are there. */
  readonly footprints: ReadonlyMap<DeviceId, Footprint>;
  /** What storage holds beside these devices, where it can be told. */
  readonly others: readonly Footprint[];
  /** What all that storage holds takes, each block once; null where others use the same storage. */
  readonly usedBytes: number | null;
  /** Why something is not known; empty when all is. */
  readonly omitted: string;
}

export interface Stockroom {
  /** Changes nothing. */
  take(): Promise<Stock>;
  /** "thin id 7", "file 7.img": what a device is held as. */
  heldAs(device: Device): string;
  /** What each of these devices takes at one moment. Changes nothing. */
  measure(devices: Iterable<Device>): Promise<Measures>;
  /** Those that somebody has mounted or open. */
  inUse(devices: Iterable<Device>): Promise<readonly Device[]>;
  /** Deletes what `take` named and no record does. Fault `invalid` when it is no such name. */
  drop(heldAs: string): Promise<void>;
  /** Takes a device of ours that no record names away from the kernel. Fault `device-busy`. */
  dropActive(name: string): Promise<void>;
}
