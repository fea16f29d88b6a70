// Reset: every snapshot and every device of ours goes, and the catalog ends empty. Calls are refused meanwhile. Each step is
// a durable record of what a removal leaves behind, so what a crash interrupts is done by the next start, or by asking again.
// What no record names is nobody's to remove here.

import { setTimeout as sleep } from 'node:timers/promises';
import { FaultError } from '../../shared/faults.ts';
import type { DeviceId } from '../../shared/units.ts';
import type { Device, Snapshot } from '../catalog/records.ts';
import type { Change, Tables } from '../catalog/tables.ts';
import type { Context } from './context.ts';
import { moved } from './devices.ts';

/** In one durable write. */
const CHUNK = 500;
/** Of what is in use, in a message. */
const SHOWN_MAX = 5;
/** How long what is being made ahead may take to end. */
const SETTLE_LIMIT_MS = 60_000;
const SETTLE_PAUSE_MS = 50;

export interface ResetOptions {
  /** Also with clients connected; devices that are in use go once they are closed. */
  readonly force: boolean;
  /** Clients that are connected to containerd's socket. */
  readonly clients: () => Promise<number>;
  /** Stops it between two steps: what has gone by then has gone. */
  readonly signal: AbortSignal;
}

/** Faults: `precondition` when something uses them; `unavailable` while another reset runs. */
export async function reset(context: Context, options: ResetOptions): Promise<void> {
  await context.door.withClosed('all snapshots are being removed (thinsnap reset)', async () => {
    if (!options.force) await refuseWhatIsUsed(context, options);
    const tried: Promise<void>[] = [];
    for (const chunk of chunksOf(childrenFirst(context.catalog.tables))) {
      if (options.signal.aborted) return;
      tried.push(...(await removeSnapshots(context, chunk)));
    }
    tried.push(...(await removeDevices(context, [...context.catalog.tables.bases])));
    await Promise.all(tried);
    await settle(context, options.signal);
  });
}

async function refuseWhatIsUsed({ volumes, catalog }: Context, { clients }: ResetOptions): Promise<void> {
  const open = await volumes.stockroom.inUse(catalog.tables.devices.values());
  if (open.length > 0) {
    const shown = open.slice(0, SHOWN_MAX).map((device) => volumes.stockroom.heldAs(device));
    const more = open.length > SHOWN_MAX ? ` and ${open.length - SHOWN_MAX} more` : '';
    const found = `${shown.join(', ')}${more} mounted or open. Stop the containers that use them, or give --force`;
    throw new FaultError('precondition', `Cannot reset: ${found}`);
  }
  const connected = await clients();
  if (connected === 0) return;
  const found = `${connected} clients are connected to containerd's socket, and would miss what goes`;
  throw new FaultError('precondition', `Cannot reset: ${found}. Stop containerd, or give --force`);
}

/** So that at no moment a snapshot is there whose parent is not. */
function childrenFirst(tables: Tables): readonly Snapshot[] {
  const left = new Map<string, number>();
  const free: Snapshot[] = [];
  for (const snapshot of tables.snapshots.values()) {
    const children = tables.childrenOf(snapshot.key);
    if (children === 0) free.push(snapshot);
    else left.set(snapshot.key, children);
  }
  // It grows while it is walked through.
  for (const { parent } of free) {
    const children = (left.get(parent) ?? 0) - 1;
    left.set(parent, children);
    const found = tables.snapshots.get(parent);
    if (children === 0 && found !== undefined) free.push(found);
  }
  return free;
}

function* chunksOf(snapshots: readonly Snapshot[]): Generator<readonly Snapshot[]> {
  for (let begin = 0; begin < snapshots.length; begin += CHUNK) yield snapshots.slice(begin, begin + CHUNK);
}

/** Answers when each device was tried once. */
function removeSnapshots(context: Context, snapshots: readonly Snapshot[]): Promise<readonly Promise<void>[]> {
  const { tables } = context.catalog;
  const owned = snapshots.filter(({ kind }) => kind !== 'view').map(({ deviceId }) => tables.device(deviceId));
  const changes = snapshots.map(({ key }) => ({ kind: 'delete-snapshot', key }) as const);
  return removeDevices(context, owned, changes);
}

/** With what stands ready of them, in one write with `changes`. */
async function removeDevices(
  { catalog, standby, reaper }: Context,
  devices: readonly Device[],
  changes: readonly Change[] = [],
): Promise<readonly Promise<void>[]> {
  const going = devices.filter(({ state }) => state !== 'Removing');
  const withdrawals = going.map(({ id }) => standby.withdraw(id));
  try {
    await catalog.write([
      ...changes,
      ...going.map((device) => ({ kind: 'put-device', device: moved(device, 'remove') }) as const),
      ...withdrawals.flatMap((withdrawal) => withdrawal.changes),
    ]);
  } catch (error) {
    for (const withdrawal of withdrawals) withdrawal.undo();
    throw error;
  }
  for (const withdrawal of withdrawals) withdrawal.done();
  return going.map(({ id }) => reaper.remove(id, 'awaited'));
}

/** What was being made ahead goes when it is made; what is in use stays the reaper's. */
async function settle({ catalog, reaper }: Context, signal: AbortSignal): Promise<void> {
  const { devices } = catalog.tables;
  const endMs = performance.now() + SETTLE_LIMIT_MS;
  while (devices.size > 0 && !signal.aborted && performance.now() < endMs) {
    const before: readonly DeviceId[] = [...devices.keys()];
    await reaper.tryAll();
    const isMaking = [...devices.values()].some(({ state }) => state !== 'Removing');
    if (!isMaking && before.every((id) => devices.has(id))) return;
    await sleep(SETTLE_PAUSE_MS);
  }
}
