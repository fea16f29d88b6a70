// The catalog's records in memory, with the indexes that calls ask: reads never touch the disk.
// Only `apply` changes them, and only with what is durable already.

import { FaultError } from '../../shared/faults.ts';
import type { DeviceId, ThinId } from '../../shared/units.ts';
import type { Device, Snapshot } from './records.ts';

/** containerd's name for what a snapshot is to become: the chain id of a layer. */
export const REF_LABEL = 'containerd.io/snapshot.ref';

export type Change =
  | { readonly kind: 'put-snapshot'; readonly snapshot: Snapshot }
  | { readonly kind: 'delete-snapshot'; readonly key: string }
  | { readonly kind: 'put-device'; readonly device: Device }
  | { readonly kind: 'delete-device'; readonly id: DeviceId };

export class Tables {
  readonly #snapshots = new Map<string, Snapshot>();
  readonly #devices = new Map<DeviceId, Device>();
  readonly #thinIds = new Set<ThinId>();
  readonly #children = new Map<string, number>();
  readonly #views = new Map<DeviceId, number>();
  /** Committed snapshots that bear a ref, counted under their parent and that ref. */
  readonly #refs = new Map<string, number>();
  readonly #bases = new Map<DeviceId, Device>();
  #listed: readonly Snapshot[] | null = null;

  get snapshots(): ReadonlyMap<string, Snapshot> {
    return this.#snapshots;
  }

  /** All of them as they are now, which later changes do not show in. One for all who ask between two changes: readers may keep it for long. */
  get listed(): readonly Snapshot[] {
    this.#listed ??= [...this.#snapshots.values()];
    return this.#listed;
  }

  get devices(): ReadonlyMap<DeviceId, Device> {
    return this.#devices;
  }

  /** Thin ids that some device's record names, whatever its state. */
  get thinIds(): ReadonlySet<ThinId> {
    return this.#thinIds;
  }

  /** Devices that are bases, whatever their state: a handful, however many devices there are. */
  get bases(): Iterable<Device> {
    return this.#bases.values();
  }

  /** Whether a snapshot with this `snapshot.ref` label was committed on this parent. */
  hasRef(parent: string, ref: string): boolean {
    return this.#refs.has(refKey(parent, ref));
  }

  childrenOf(key: string): number {
    return this.#children.get(key) ?? 0;
  }

  /** Views that use this device: as long as there are any, it may be active read-only. */
  viewsOf(id: DeviceId): number {
    return this.#views.get(id) ?? 0;
  }

  /** Fault `not-found`. */
  snapshot(key: string): Snapshot {
    const snapshot = this.#snapshots.get(key);
    if (snapshot === undefined)
      throw new FaultError('not-found', `Cannot find snapshot ${JSON.stringify(key)}: there is none`);
    return snapshot;
  }

  /** The device of a record that names it. Its absence is damage, noticed when the catalog is opened. */
  device(id: DeviceId): Device {
    const device = this.#devices.get(id);
    if (device === undefined) throw new FaultError('bug', `Cannot find device ${id}: a snapshot names it`);
    return device;
  }

  apply(change: Change): void {
    switch (change.kind) {
      case 'put-snapshot':
        this.#forget(change.snapshot.key);
        this.#listed = null;
        this.#snapshots.set(change.snapshot.key, change.snapshot);
        this.#count(change.snapshot, 1);
        break;
      case 'delete-snapshot':
        this.#forget(change.key);
        break;
      case 'put-device':
        this.#devices.set(change.device.id, change.device);
        if (change.device.purpose.kind === 'base') this.#bases.set(change.device.id, change.device);
        if (change.device.place.kind === 'thin') this.#thinIds.add(change.device.place.thinId);
        break;
      case 'delete-device': {
        const place = this.#devices.get(change.id)?.place;
        if (place?.kind === 'thin') this.#thinIds.delete(place.thinId);
        this.#devices.delete(change.id);
        this.#bases.delete(change.id);
        break;
      }
    }
  }

  #forget(key: string): void {
    const old = this.#snapshots.get(key);
    if (old === undefined) return;
    this.#listed = null;
    this.#snapshots.delete(key);
    this.#count(old, -1);
  }

  #count(snapshot: Snapshot, by: 1 | -1): void {
    if (snapshot.parent !== '') bump(this.#children, snapshot.parent, by);
    if (snapshot.kind === 'view') bump(this.#views, snapshot.deviceId, by);
    const ref = snapshot.labels.get(REF_LABEL);
    if (snapshot.kind === 'committed' && ref !== undefined) bump(this.#refs, refKey(snapshot.parent, ref), by);
  }
}

/** The length tells where the one ends and the other begins, whatever characters they hold. */
function refKey(parent: string, ref: string): string {
  return `${parent.length} ${parent}${ref}`;
}

function bump<Key>(counts: Map<Key, number>, key: Key, by: 1 | -1): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
