// Stat, List, Mounts, Usage, Update: what is asked of snapshots that are there. All but Mounts after a reboot and Usage of
// an active one are answered from memory.

import { failpoint } from '../../shared/failpoints.ts';
import { FaultError } from '../../shared/faults.ts';
import type { Labels, Snapshot } from '../catalog/records.ts';
import { deviceLane, keyLane } from '../lanes.ts';
import type { Mount } from '../volumes/volumes.ts';
import type { Context } from './context.ts';
import { parseFilters } from './filter/filter.ts';
import { applyUpdate, checkLabels } from './labels.ts';
import { modeOf, mountOf } from './prepare.ts';

/** Fault `not-found`. */
export function stat(context: Context, key: string): Snapshot {
  return context.catalog.tables.snapshot(key);
}

/** All that match any of the filters, as they are now: later changes do not show. Fault `invalid` for a bad filter. */
export function list(context: Context, filters: readonly string[]): readonly Snapshot[] {
  if (filters.length === 0) return context.catalog.tables.listed;
  const matches = parseFilters(filters);
  const found: Snapshot[] = [];
  for (const snapshot of context.catalog.tables.snapshots.values()) {
    const { key: name, parent, kind, labels } = snapshot;
    if (matches({ name, parent, kind, labels })) found.push(snapshot);
  }
  return found;
}

/** Faults: `not-found`, `precondition` for a committed one, the kernel's when it must be activated first. */
export async function mounts(context: Context, key: string): Promise<readonly Mount[]> {
  const { tables } = context.catalog;
  const found = mountable(tables.snapshot(key));
  const itsDevice = tables.device(found.deviceId);
  if (context.volumes.activity(itsDevice) === modeOf(found)) return [mountOf(context, found, itsDevice)];
  // The first time after a reboot: nothing is activated before somebody asks for it.
  return context.lanes.run(keyLane(key), async () => {
    // A removal may have come first, and even a new snapshot of the same key, which has another device.
    const snapshot = mountable(tables.snapshot(key));
    const device = tables.device(snapshot.deviceId);
    const unpin = context.pins.pin(device.id);
    try {
      await context.lanes.run(deviceLane(device.id), () => context.volumes.activate(device, modeOf(snapshot)));
    } finally {
      unpin();
    }
    return [mountOf(context, snapshot, device)];
  });
}

function mountable(snapshot: Snapshot) {
  if (snapshot.kind !== 'committed') return snapshot;
  const name = JSON.stringify(snapshot.key);
  throw new FaultError(
    'precondition',
    `Cannot mount ${name}: it is committed, and only a snapshot or a view of it can be`,
  );
}

/** In bytes: what a committed one added over its parent, what an active one has added so far, 0 for a view. */
export async function usage(context: Context, key: string): Promise<number> {
  const { tables } = context.catalog;
  const snapshot = tables.snapshot(key);
  if (snapshot.kind === 'view') return 0;
  if (snapshot.kind === 'committed') return snapshot.usageBytes;
  return context.lanes.run(deviceLane(snapshot.deviceId), async () => {
    // A removal may have come first, and even a new snapshot of the same key, which has added nothing yet.
    if (tables.snapshot(key).deviceId !== snapshot.deviceId) return 0;
    const device = tables.device(snapshot.deviceId);
    const mapped = await context.volumes.mapped(device);
    // Or it came meanwhile: whoever has the device open goes on writing to what is nobody's snapshot any more.
    if (tables.snapshot(key).deviceId !== snapshot.deviceId) return 0;
    return Math.max(0, mapped - device.baselineBytes);
  });
}

export interface UpdateRequest {
  readonly key: string;
  readonly labels: Labels;
  readonly maskPaths: readonly string[];
}

/** Labels are all that can be updated. Faults: `not-found`, `invalid` for any other field. */
export async function update(context: Context, request: UpdateRequest): Promise<Snapshot> {
  return context.lanes.run(keyLane(request.key), async () => {
    const old = context.catalog.tables.snapshot(request.key);
    const labels = applyUpdate(old.labels, request.labels, request.maskPaths);
    checkLabels(labels);
    const snapshot: Snapshot = { ...old, labels, updatedAt: context.clock.now() };
    await failpoint('update.before-record');
    await context.catalog.write([{ kind: 'put-snapshot', snapshot }]);
    await failpoint('update.recorded');
    return snapshot;
  });
}
