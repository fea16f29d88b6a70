// Records that were brought back, and may be older than the devices they speak of, or of different moments: what of them
// can still be believed. What is dropped here is not deleted: its device stays where it is, and nobody's.

import { showKey } from './checksum.ts';
import type { Device, DeviceState, Snapshot } from './records.ts';

export interface Settled {
  readonly snapshots: readonly Snapshot[];
  readonly devices: readonly Device[];
  /** What was dropped and why, a line each. */
  readonly dropped: readonly string[];
}

export function settle(snapshots: Iterable<Snapshot>, devices: Iterable<Device>): Settled {
  const dropped: string[] = [];
  const byId = new Map([...devices].map((device) => [device.id, device]));
  const owners = new Map<number, Snapshot>();
  const views: Snapshot[] = [];
  for (const snapshot of snapshots) {
    const name = `snapshot ${showKey(snapshot.key)}`;
    const device = byId.get(snapshot.deviceId);
    if (device === undefined) dropped.push(`${name}: the record of its device ${snapshot.deviceId} is missing`);
    else if (device.state === 'Removing') dropped.push(`${name}: it had been removed`);
    else if (snapshot.kind === 'view') views.push(snapshot);
    else dropped.push(...takeOwner(owners, snapshot));
  }
  const kept: Device[] = [];
  for (const device of oneForEachThinId(byId.values(), dropped)) {
    const owner = owners.get(device.id);
    if (owner !== undefined) kept.push(ownedBy(device, owner));
    // It may have become somebody's since: whoever got it next would find another's files.
    else if (device.purpose.kind === 'standby' || device.state === 'Creating') {
      dropped.push(`device ${device.id}: it was nobody's, and may be somebody's since`);
    } else kept.push(device);
  }
  const ids = new Set(kept.map(({ id }) => id));
  const there = [...owners.values(), ...views].filter((snapshot) => {
    const known = ids.has(snapshot.deviceId);
    if (!known) dropped.push(`snapshot ${showKey(snapshot.key)}: its device ${snapshot.deviceId} is not its own`);
    return known;
  });
  return { snapshots: there, devices: kept, dropped };
}

/** A device is one snapshot's: a commit puts the committed one there and takes the active one away. */
function takeOwner(owners: Map<number, Snapshot>, snapshot: Snapshot): readonly string[] {
  const other = owners.get(snapshot.deviceId);
  const stays = other?.kind === 'committed' ? other : snapshot;
  owners.set(snapshot.deviceId, stays);
  if (other === undefined) return [];
  const goes = stays === other ? snapshot : other;
  return [`snapshot ${showKey(goes.key)}: its device ${goes.deviceId} is that of ${showKey(stays.key)}`];
}

/** A thin id that two records name was deleted and given out again: the later device has it. */
function oneForEachThinId(devices: Iterable<Device>, dropped: string[]): readonly Device[] {
  const latest = new Map<string, Device>();
  for (const device of [...devices].sort((a, b) => a.id - b.id)) {
    const place = device.place.kind === 'thin' ? `thin ${device.place.thinId}` : `file ${device.id}`;
    const earlier = latest.get(place);
    if (earlier !== undefined) dropped.push(`device ${earlier.id}: its thin id is that of device ${device.id}`);
    latest.set(place, device);
  }
  return [...latest.values()];
}

/** As the record of its snapshot has it, which was written with a later one of the device or with none. */
function ownedBy(device: Device, owner: Snapshot): Device {
  const writable: DeviceState = device.state === 'Faulty' ? 'Faulty' : 'Activated';
  const state = owner.kind === 'committed' ? 'Deactivated' : writable;
  return device.state === state && device.purpose.kind !== 'standby'
    ? device
    : { ...device, state, purpose: { kind: 'snapshot' } };
}
