// Commit: an active snapshot becomes a committed one, under a new name. Its device is never written again.
//
// Closed, the device itself becomes the committed one: what it holds is made durable, and it is deactivated after the
// answer. Open, somebody may go on writing to it: then a snapshot of it, taken while it is suspended, becomes the
// committed one, and the device itself goes to the reaper, which waits until it is closed. Either way a committed
// snapshot is what it was at that moment, for ever.

import { failpoint } from '../../shared/failpoints.ts';
import { FaultError } from '../../shared/faults.ts';
import { type Bytes, parseBytes } from '../../shared/units.ts';
import type { ActiveSnapshot, CommittedSnapshot, Device, Labels } from '../catalog/records.ts';
import type { Change } from '../catalog/tables.ts';
import { deviceLane, keyLane } from '../lanes.ts';
import type { Context } from './context.ts';
import { moved } from './devices.ts';
import { checkKey } from './keys.ts';
import { checkLabels, withoutEmpty } from './labels.ts';

export interface CommitRequest {
  readonly name: string;
  readonly key: string;
  readonly labels: Labels;
  /** Rebases onto this parent (containerd 2.2); empty: stays where it is. */
  readonly parent: string;
}

/**
 * Faults: `not-found`, `already-exists`, `precondition` when it is not active or may lack what was written to it, `unsupported`
 * for a rebase, the kernel's.
 */
export async function commit(context: Context, request: CommitRequest): Promise<void> {
  checkKey('key', request.key);
  checkKey('name', request.name);
  checkLabels(request.labels);
  await context.foreground.run(() =>
    context.lanes.runAll([keyLane(request.key), keyLane(request.name)], async () => {
      const snapshot = committable(context, request);
      const device = context.catalog.tables.device(snapshot.deviceId);
      await context.lanes.run(deviceLane(device.id), async () => {
        const sealed = await context.volumes.seal(device);
        await failpoint('commit.sealed');
        confirmSound(context, snapshot);
        if (sealed.open) await commitCopy(context, { request, snapshot, device });
        else await commitItself(context, { request, snapshot, device }, sealed.mappedBytes);
      });
    }),
  );
}

interface Subject {
  readonly request: CommitRequest;
  readonly snapshot: ActiveSnapshot;
  readonly device: Device;
}

function committable(context: Context, { key, name, parent }: CommitRequest): ActiveSnapshot {
  const { tables } = context.catalog;
  const snapshot = tables.snapshot(key);
  if (tables.snapshots.has(name)) {
    throw new FaultError(
      'already-exists',
      `Cannot commit as ${JSON.stringify(name)}: there is one of that name already`,
    );
  }
  if (snapshot.kind !== 'active') {
    throw new FaultError('precondition', `Cannot commit ${JSON.stringify(key)}: it is not active but ${snapshot.kind}`);
  }
  if (parent !== '' && parent !== snapshot.parent) {
    const found = `its parent is ${JSON.stringify(snapshot.parent)}, and a block device cannot be moved onto another`;
    throw new FaultError(
      'unsupported',
      `Cannot rebase ${JSON.stringify(key)} onto ${JSON.stringify(parent)}: ${found}`,
    );
  }
  return snapshot;
}

function confirmSound({ volumes }: Context, { key, deviceId }: ActiveSnapshot): void {
  if (!volumes.faulty.has(deviceId)) return;
  const found = 'there was no space left while it was in use, and writes to it may have failed';
  throw new FaultError('precondition', `Cannot commit ${JSON.stringify(key)}: ${found}. Remove it and make it anew`);
}

async function commitItself(context: Context, subject: Subject, mappedBytes: Bytes): Promise<void> {
  const device = { ...moved(subject.device, 'deactivate'), mappedBytes };
  await failpoint('commit.before-record');
  await context.catalog.write([...replaced(context, subject, device), { kind: 'put-device', device }]);
  void context.reaper.deactivate(device.id);
  await failpoint('commit.recorded');
}

async function commitCopy(context: Context, subject: Subject): Promise<void> {
  const made = await context.devices.snapshotInUse(subject.device);
  const device = moved(made, 'deactivate');
  try {
    await failpoint('commit.copy-made');
    await context.catalog.write([
      ...replaced(context, subject, device),
      { kind: 'put-device', device },
      { kind: 'put-device', device: moved(subject.device, 'remove') },
    ]);
  } catch (error) {
    await context.devices.abandon(made);
    throw error;
  }
  void context.reaper.remove(subject.device.id);
  await failpoint('commit.copy-recorded');
}

/** The active snapshot goes, the committed one comes. */
function replaced(context: Context, { request, snapshot }: Subject, device: Device): Change[] {
  const now = context.clock.now();
  const committed: CommittedSnapshot = {
    kind: 'committed',
    key: request.name,
    parent: snapshot.parent,
    deviceId: device.id,
    labels: withoutEmpty(request.labels),
    createdAt: now,
    updatedAt: now,
    usageBytes: parseBytes(Math.max(0, device.mappedBytes - device.baselineBytes)),
  };
  return [
    { kind: 'delete-snapshot', key: snapshot.key },
    { kind: 'put-snapshot', snapshot: committed },
  ];
}
