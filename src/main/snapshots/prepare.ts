// Prepare and View: a new snapshot of a committed parent, or of nothing.
//
// The parent is looked at in its own key's lane, so that it is not committed or removed at that moment, and its device
// is pinned before the lane is let go; then the new key's lane is taken. No call holds one key's lane while it waits
// for another.

import { failpoint } from '../../shared/failpoints.ts';
import { FaultError, isFault } from '../../shared/faults.ts';
import { MIN_FILE_SYSTEM_BYTES } from '../../shared/file-systems.ts';
import type { FsType } from '../../shared/tasks.ts';
import { type Bytes, parseBytes } from '../../shared/units.ts';
import type { ActiveSnapshot, Device, Labels, Snapshot, ViewSnapshot } from '../catalog/records.ts';
import { type Change, REF_LABEL } from '../catalog/tables.ts';
import { deviceLane, keyLane } from '../lanes.ts';
import { type Mode, type Mount, mayBeWritten } from '../volumes/volumes.ts';
import type { Context } from './context.ts';
import type { FileSystemSpec } from './devices.ts';
import { checkKey } from './keys.ts';
import { checkLabels, withoutEmpty } from './labels.ts';
import { parseWishes, type Wishes } from './wishes.ts';

export interface NewSnapshot {
  readonly key: string;
  readonly parent: string;
  readonly labels: Labels;
}

/** Faults: `not-found` and `invalid` for the parent, `already-exists`, `invalid` labels, `no-space`, the kernel's. */
export async function prepare(context: Context, fs: FileSystemSpec, request: NewSnapshot): Promise<readonly Mount[]> {
  const wishes = check(request);
  return withOrigin(context, { fs, request, wishes }, (origin) =>
    context.lanes.run(keyLane(request.key), async () => {
      await failpoint('prepare.pinned');
      checkFree(context, request);
      checkRef(context, request);
      const device = await deviceFor(context, origin, sizeFor(wishes, origin.sizeBytes));
      const snapshot: ActiveSnapshot = { kind: 'active', ...fields(context, request, device), idMap: wishes.idMap };
      const changes: Change[] = [
        { kind: 'put-device', device },
        { kind: 'put-snapshot', snapshot },
      ];
      try {
        await failpoint('prepare.before-record');
        await context.catalog.write(changes);
      } catch (error) {
        await context.devices.abandon(device);
        throw error;
      }
      await failpoint('prepare.recorded');
      return [mountOf(context, snapshot, device)];
    }),
  );
}

/** A view shares its parent's read-only activation: no thin id, no message to the pool. Faults as `prepare`. */
export async function view(context: Context, fs: FileSystemSpec, request: NewSnapshot): Promise<readonly Mount[]> {
  const wishes = check(request);
  return withOrigin(context, { fs, request, wishes }, (origin) =>
    context.lanes.run(keyLane(request.key), async () => {
      checkFree(context, request);
      await context.lanes.run(deviceLane(origin.id), () => context.volumes.activate(origin, 'ro'));
      await failpoint('view.activated');
      const snapshot: ViewSnapshot = { kind: 'view', ...fields(context, request, origin), idMap: wishes.idMap };
      await context.catalog.write([{ kind: 'put-snapshot', snapshot }]);
      await failpoint('view.recorded');
      return [mountOf(context, snapshot, origin)];
    }),
  );
}

/** The one mount of an active snapshot or a view. */
export function mountOf(context: Context, snapshot: ActiveSnapshot | ViewSnapshot, device: Device): Mount {
  const mount = context.volumes.mount(device, modeOf(snapshot));
  if (snapshot.idMap === null) return mount;
  const { uids, gids } = snapshot.idMap;
  return { ...mount, options: [...mount.options, `uidmap=${uids}`, `gidmap=${gids}`] };
}

export function modeOf(snapshot: Snapshot): Mode {
  return snapshot.kind === 'active' ? 'rw' : 'ro';
}

function check(request: NewSnapshot): Wishes {
  checkKey('key', request.key);
  checkLabels(request.labels);
  // A label without a value is no label: see `fields`.
  return parseWishes(withoutEmpty(request.labels));
}

interface Wanted {
  readonly fs: FileSystemSpec;
  readonly request: NewSnapshot;
  readonly wishes: Wishes;
}

/** Runs `action` with the device that the new snapshot is taken of, pinned; unpins it whatever happens. */
async function withOrigin<T>(context: Context, wanted: Wanted, action: (origin: Device) => Promise<T>): Promise<T> {
  const { parent } = wanted.request;
  return context.foreground.run(async () => {
    const pinned = parent === '' ? await pinBase(context, wanted) : await pinParent(context, wanted);
    try {
      return await action(pinned.origin);
    } finally {
      pinned.unpin();
      // A deactivation that came meanwhile gave way to the pin.
      if (context.volumes.activity(pinned.origin) !== 'none') void context.reaper.deactivate(pinned.origin.id);
    }
  });
}

interface Pinned {
  readonly origin: Device;
  readonly unpin: () => void;
}

async function pinBase(context: Context, { fs, request, wishes }: Wanted): Promise<Pinned> {
  // Looked at before a base is made for nothing; what counts is the look inside the key's lane.
  checkFree(context, request);
  const fsType = wishes.fsType ?? fs.fsType;
  const fsOptions = fsType === fs.fsType ? fs.fsOptions : [];
  const sizeBytes = wishes.sizeBytes === null ? fs.sizeBytes : baseSizeFor(wishes, fsType, fs.sizeBytes);
  const origin = await context.devices.base({ fsType, fsOptions, sizeBytes });
  return { origin, unpin: context.pins.pin(origin.id) };
}

/**
 * Bases stay for good, so clients must not choose how many there are: beside the configured size there is one for each
 * power of two, and a snapshot that is to be larger than its base is grown.
 */
function baseSizeFor(wishes: Wishes, fsType: FsType, usual: Bytes): Bytes {
  const least = MIN_FILE_SYSTEM_BYTES[fsType];
  const wanted = sizeFor(wishes, least);
  if (wanted === usual) return usual;
  return parseBytes(Math.max(least, 2 ** Math.floor(Math.log2(wanted))));
}

/** The size that was asked for; `least` where that is more, since a file system does not shrink and containerd only hints. */
function sizeFor({ sizeBytes }: Wishes, least: Bytes): Bytes {
  return sizeBytes === null || sizeBytes < least ? least : sizeBytes;
}

function pinParent(context: Context, { request, wishes }: Wanted): Promise<Pinned> {
  const { tables } = context.catalog;
  return context.lanes.run(keyLane(request.parent), async () => {
    const parent = tables.snapshots.get(request.parent);
    if (parent === undefined) throw parentFault('not-found', request, 'there is none of that name');
    if (parent.kind !== 'committed') throw parentFault('invalid', request, `it is not committed but ${parent.kind}`);
    const origin = tables.device(parent.deviceId);
    if (wishes.fsType !== null && wishes.fsType !== origin.fsType) {
      throw parentFault(
        'invalid',
        request,
        `its file system is ${origin.fsType}, and a label asks for ${wishes.fsType}`,
      );
    }
    return { origin, unpin: context.pins.pin(origin.id) };
  });
}

function parentFault(code: 'not-found' | 'invalid', request: NewSnapshot, found: string): FaultError {
  return new FaultError(code, `Cannot use parent ${JSON.stringify(request.parent)}: ${found}`);
}

function checkFree(context: Context, { key }: NewSnapshot): void {
  const old = context.catalog.tables.snapshots.get(key);
  if (old === undefined) return;
  throw new FaultError(
    'already-exists',
    `Cannot make snapshot ${JSON.stringify(key)}: there is one (${old.kind}) already`,
  );
}

/**
 * Where a `snapshot.ref` label names a chain id that was committed on this parent before, the layer is there: this
 * answer tells containerd so, and it neither fetches nor unpacks it again (its metadata/snapshot.go looks for the same).
 */
function checkRef(context: Context, { key, parent, labels }: NewSnapshot): void {
  const ref = labels.get(REF_LABEL);
  if (ref === undefined) return;
  if (!context.catalog.tables.hasRef(parent, ref)) return;
  throw new FaultError(
    'already-exists',
    `Cannot make snapshot ${JSON.stringify(key)}: ${JSON.stringify(ref)} is there already`,
  );
}

/** One that stands ready, or else one made now. Bases are no parents: what is made of them is an image's first layer, once. */
async function deviceFor(context: Context, origin: Device, sizeBytes: Bytes): Promise<Device> {
  const { standby, guard, volumes, devices } = context;
  const isParent = origin.purpose.kind !== 'base';
  const ready = isParent && sizeBytes === origin.sizeBytes ? standby.take(origin) : null;
  if (ready === null) return snapshotOf(context, origin, sizeBytes);
  try {
    await failpoint('standby.taken');
    await guard.check();
    // Nothing to do, except after a reboot.
    await volumes.activate(ready, 'rw');
    return ready;
  } catch (error) {
    await devices.abandon(ready);
    throw error;
  }
}

/**
 * A committed origin rests, and snapshots of it are taken side by side. Where its deactivation is still to come, it comes
 * now; where somebody has opened it since, it is suspended around each snapshot, and then only one may do so at a time.
 */
async function snapshotOf(context: Context, origin: Device, sizeBytes: Bytes): Promise<Device> {
  const { volumes, lanes, devices } = context;
  if (!mayBeWritten(volumes.activity(origin))) return devices.snapshotOf(origin, sizeBytes);
  return lanes.run(deviceLane(origin.id), async () => {
    try {
      if (mayBeWritten(volumes.activity(origin))) await volumes.deactivate(origin);
    } catch (error) {
      if (!isFault(error, 'device-busy')) throw error;
    }
    return devices.snapshotOf(origin, sizeBytes);
  });
}

function fields(context: Context, request: NewSnapshot, device: Device) {
  const now = context.clock.now();
  const { key, parent } = request;
  // containerd's stores drop a label without a value on every write (metadata/boltutil).
  const labels = withoutEmpty(request.labels);
  return { key, parent, labels, deviceId: device.id, createdAt: now, updatedAt: now };
}
