// What must be true of a daemon at rest, whatever happened before: catalog and pool hold the same, nothing is left over,
// nothing is left suspended.

import { type Device, isWritable } from '../../../src/main/catalog/records.ts';
import type { ThinPoolVolumes } from '../../../src/main/volumes/thin-pool/thin-pool-volumes.ts';
import type { Core } from '../core.ts';
import type { FakePool } from './fake-pool.ts';

/** A sentence for each thing that is not as it must be. */
export function findBroken(core: Core<ThinPoolVolumes>, pool: FakePool): string[] {
  const broken = [...pool.violations];
  const must = (holds: boolean, sentence: string): void => {
    if (!holds) broken.push(sentence);
  };
  const { tables } = core.catalog;
  must(core.reaper.size === 0, `the reaper is left with ${core.reaper.size} jobs: ${core.errors.join('; ')}`);
  must(core.lanes.size === 0, `${core.lanes.size} lanes are in use`);
  const ids = new Set([...pool.thins.keys()].filter((id) => !pool.foreign.has(id)));
  for (const id of ids) must(tables.thinIds.has(id), `thin id ${id} is in the pool, and no record names it`);
  for (const id of tables.thinIds) must(ids.has(id), `thin id ${id} has a record, and is not in the pool`);
  const owners = countOwners(core);
  for (const device of tables.devices.values()) {
    const { id, state, purpose } = device;
    const owned = owners.get(id) ?? 0;
    must(isWritable(state) || state === 'Deactivated', `device ${id} is left in state ${state}`);
    must(owned === (purpose.kind === 'snapshot' ? 1 : 0), `device ${id} (${purpose.kind}) has ${owned} snapshots`);
    must(isAsItMustBe(core, pool, device), `device ${id} (${state}) is ${core.volumes.activity(device)}`);
  }
  const bases = [...tables.bases].map(({ fsType }) => fsType);
  must(new Set(bases).size === bases.length, `there are bases of ${bases.join(', ')}: each is made once`);
  const standing = [...tables.devices.values()].filter(({ purpose }) => purpose.kind === 'standby').length;
  const { ready } = core.standby.counts;
  must(standing === ready, `${ready} snapshots stand ready, and there are records of ${standing}`);
  const sources = new Set([...tables.devices.values()].map((device) => nameOf(core, device)));
  for (const [name, { suspended }] of pool.devices) {
    must(!suspended, `${name} is left suspended`);
    must(sources.has(name), `${name} is active, and no record names it`);
  }
  return broken;
}

function countOwners({ catalog }: Core<ThinPoolVolumes>): ReadonlyMap<number, number> {
  const owners = new Map<number, number>();
  for (const { kind, deviceId } of catalog.tables.snapshots.values()) {
    if (kind !== 'view') owners.set(deviceId, (owners.get(deviceId) ?? 0) + 1);
  }
  return owners;
}

/** Active devices are writable or not known to the kernel (after a reboot); committed ones read-only while they have views. */
function isAsItMustBe(core: Core<ThinPoolVolumes>, pool: FakePool, device: Device): boolean {
  const found = pool.devices.get(nameOf(core, device));
  const believed = core.volumes.activity(device);
  const viewed = core.catalog.tables.viewsOf(device.id) > 0;
  // What failed half-way is looked at by whoever uses it next; the reaper sees to what nobody uses.
  if (believed === 'unknown' || believed === 'unsure') return isWritable(device.state) || viewed;
  if (found === undefined) return believed === 'none';
  const mode = found.readOnly ? 'ro' : 'rw';
  return believed === mode && (isWritable(device.state) ? mode === 'rw' : mode === 'ro' && viewed);
}

function nameOf({ volumes }: Core<ThinPoolVolumes>, device: Device): string {
  return volumes.mount(device, 'ro').source.replace('/dev/mapper/', '');
}
