// Records that damage took and the newest backup still has. Only such as cannot have become another's since: a device's number
// is given out once, so what a backup says of where it is holds for ever.

import { showKey } from './checksum.ts';
import { type Device, isWritable, type Snapshot } from './records.ts';

export interface Records {
  readonly snapshots: Iterable<Snapshot>;
  readonly devices: Iterable<Device>;
}

export interface Filled {
  readonly snapshots: readonly Snapshot[];
  readonly devices: readonly Device[];
  /** What came from the backup, a line each. */
  readonly filled: readonly string[];
}

export function fill(read: Records, backup: Records): Filled {
  const filled: string[] = [];
  const devices = new Map([...read.devices].map((device) => [device.id, device]));
  const snapshots = new Map([...read.snapshots].map((snapshot) => [snapshot.key, snapshot]));
  const older = new Map([...backup.devices].map((device) => [device.id, device]));
  for (const { deviceId } of snapshots.values()) {
    const device = older.get(deviceId);
    if (devices.has(deviceId) || device === undefined) continue;
    devices.set(deviceId, device);
    filled.push(`the record of device ${deviceId}`);
  }
  const owned = new Set([...snapshots.values()].filter(({ kind }) => kind !== 'view').map(({ deviceId }) => deviceId));
  for (const snapshot of backup.snapshots) {
    const device = devices.get(snapshot.deviceId);
    if (owned.has(snapshot.deviceId) || snapshots.has(snapshot.key) || !isWithoutOwner(device, snapshot)) continue;
    snapshots.set(snapshot.key, snapshot);
    filled.push(`snapshot ${showKey(snapshot.key)}`);
  }
  return { snapshots: [...snapshots.values()], devices: [...devices.values()], filled };
}

/** Every such device is somebody's until it is removed: where nobody is, a record is lost. */
function isWithoutOwner(device: Device | undefined, { kind }: Snapshot): boolean {
  if (device?.purpose.kind !== 'snapshot') return false;
  return (kind === 'committed' && device.state === 'Deactivated') || (kind === 'active' && isWritable(device.state));
}
