// Remove and Cleanup. A removal is one durable record; the device goes afterwards, however long somebody keeps it busy,
// since containerd's garbage collector holds a lock that blocks every start on the node while it waits for us.

import { failpoint } from '../../shared/failpoints.ts';
import { FaultError } from '../../shared/faults.ts';
import type { Snapshot } from '../catalog/records.ts';
import { keyLane } from '../lanes.ts';
import type { Context } from './context.ts';
import { moved } from './devices.ts';

/** A deletion that hangs in the kernel holds nobody up for longer: it is recorded, and goes on without its caller. */
export const WAITED_MAX_MS = 30_000;

/**
 * `wait`: answer when the deletion was tried once (`async_remove = false`), at the latest after `WAITED_MAX_MS`; a busy device
 * is the reaper's either way.
 */
export interface RemoveOptions {
  readonly wait: boolean;
}

/** Faults: `not-found`; `precondition` when it has children, with the word "remove" that clients look for. */
export async function remove(context: Context, key: string, options: RemoveOptions): Promise<void> {
  const tried = await context.lanes.run(keyLane(key), async () => {
    const { tables } = context.catalog;
    const snapshot = tables.snapshot(key);
    const children = tables.childrenOf(key);
    const busy = snapshot.kind === 'committed' && context.pins.has(snapshot.deviceId);
    if (children > 0 || busy) {
      const found = children > 0 ? `it has ${children} of them` : 'one is being made';
      throw new FaultError('precondition', `Cannot remove snapshot ${JSON.stringify(key)} with children: ${found}`);
    }
    return takeOut(context, snapshot, options);
  });
  if (options.wait) await atMost(WAITED_MAX_MS, tried.done);
}

/** `done` never rejects. */
function atMost(limitMs: number, done: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, limitMs);
    void done.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

interface Tried {
  /** When the device was tried once. Not awaited by who holds the key's lane. */
  readonly done: Promise<void>;
}

/** One durable record; the device goes to the reaper. */
async function takeOut(context: Context, snapshot: Snapshot, { wait }: RemoveOptions): Promise<Tried> {
  const { catalog, reaper, standby } = context;
  const device = catalog.tables.device(snapshot.deviceId);
  if (snapshot.kind === 'view') {
    await failpoint('remove.before-view-record');
    await catalog.write([{ kind: 'delete-snapshot', key: snapshot.key }]);
    const done = reaper.deactivate(device.id);
    await failpoint('remove.view-recorded');
    return { done };
  }
  const withdrawal = standby.withdraw(device.id);
  try {
    if (withdrawal.changes.length > 0) await failpoint('standby.withdrawn');
    await failpoint('remove.before-record');
    await catalog.write([
      { kind: 'delete-snapshot', key: snapshot.key },
      { kind: 'put-device', device: moved(device, 'remove') },
      ...withdrawal.changes,
    ]);
  } catch (error) {
    withdrawal.undo();
    throw error;
  }
  withdrawal.done();
  const done = reaper.remove(device.id, wait ? 'awaited' : 'later');
  await failpoint('remove.recorded');
  return { done };
}

/** Waits until everything that is to be deleted was tried once. */
export async function cleanup(context: Context): Promise<void> {
  await failpoint('cleanup.begun');
  await context.reaper.tryAll();
  await failpoint('cleanup.done');
}
