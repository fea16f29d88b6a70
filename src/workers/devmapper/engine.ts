// What the daemon asks of device-mapper, answered as values. Two implementations make the same calls: ioctl/ and
// dmsetup.ts; one suite runs against both. A fault says what could not be done, on which device, and the errno's name.

import type { EngineKind, KernelDevice } from '../../shared/tasks.ts';
import type { Sectors } from '../../shared/units.ts';

export interface DeviceNumber {
  readonly major: number;
  readonly minor: number;
}

export interface DeviceInfo extends KernelDevice {
  readonly number: DeviceNumber;
  /** False when the device has no live table: what a crash between its creation and its resume leaves. */
  readonly live: boolean;
}

/** One line of a table, or of a status: `parameters` is what the target itself prints or reads. */
export interface TargetLine {
  readonly startSectors: Sectors;
  readonly lengthSectors: Sectors;
  readonly target: string;
  readonly parameters: string;
}

export interface NewDevice {
  readonly name: string;
  readonly uuid: string;
  readonly readOnly: boolean;
  readonly table: TargetLine;
}

/** `commit`: a thin-pool commits its metadata and flushes its data device before it answers. `noflush`: it does not. */
export type StatusFlush = 'commit' | 'noflush';

export interface Engine {
  readonly kind: EngineKind;
  /** The kernel's device-mapper interface version, "4.47.0". */
  driverVersion(): Promise<string>;
  /** All devices whose uuid begins with `uuidPrefix`. */
  list(uuidPrefix: string): Promise<readonly DeviceInfo[]>;
  info(name: string): Promise<DeviceInfo>;
  /** Creates, loads and resumes; when any of it fails, no device is left. A name or uuid in use: `device-exists`. */
  create(device: NewDevice): Promise<DeviceNumber>;
  remove(name: string): Promise<void>;
  suspend(name: string): Promise<void>;
  resume(name: string): Promise<void>;
  /** Puts another table in place of the live one; the device is resumed whatever happens. */
  reload(name: string, table: TargetLine): Promise<void>;
  /** Sends `text` to the target at sector 0. 0 as the kernel's answer does not mean that a pool committed it. */
  message(name: string, text: string): Promise<void>;
  status(name: string, flush: StatusFlush): Promise<readonly TargetLine[]>;
  table(name: string): Promise<readonly TargetLine[]>;
}
