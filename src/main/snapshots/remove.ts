// Remove and Cleanup. A removal is one durable record; the device goes afterwards, however long somebody keeps it busy,
// since containerd's garbage collector holds a lock that blocks every start on the node while it waits for us.

import { FaultError } from '../../shared/faults.ts';
import type { Change } from '../catalog/tables.ts';
import { type Context, keyLane } from './context.ts';
import { moved } from './devices.ts';

/** `wait`: answer when the deletion was tried once (`async_remove = false`); a busy device is the reaper's either way. */
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
    const device = tables.device(snapshot.deviceId);
    const changes: Change[] = [{ kind: 'delete-snapshot', key }];
    if (snapshot.kind !== 'view') changes.push({ kind: 'put-device', device: moved(device, 'remove') });
    await context.catalog.write(changes);
    return { done: snapshot.kind === 'view' ? context.reaper.deactivate(device.id) : context.reaper.remove(device.id) };
  });
  if (options.wait) await tried.done;
}

/** Waits until everything that is to be deleted was tried once. */
export async function cleanup(context: Context): Promise<void> {
  await context.reaper.tryAll();
}
