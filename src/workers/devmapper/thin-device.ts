// A device of ours from the kernel's point of view: made known to it with its path, and taken away again. All of it may
// find what a crash left half-made; nothing is changed that does not carry the uuid expected.

import { setTimeout as pause } from 'node:timers/promises';
import { failpoint } from '../../shared/failpoints.ts';
import { FaultError, isFault } from '../../shared/faults.ts';
import type { Activation, NameFate } from '../../shared/tasks.ts';
import type { DeviceInfo, Engine, NewDevice } from './engine.ts';
import { linkNode, nodePath, unlinkNode, unlinkStaleNode, waitUntilUdevDropped } from './node.ts';
import { confirmCommitted, confirmSame } from './pool.ts';
import { thinTable } from './status.ts';

// blkid, started by udev, has a fresh device open for some milliseconds: no user of the device. Who deletes tries again
// later anyway and must answer at once; who will activate it again has nobody to do so for him.
const BUSY_TRIES_MAX: Record<NameFate, number> = { returns: 10, never: 2 };
const BUSY_PAUSE_MS: Record<NameFate, number> = { returns: 20, never: 10 };

export interface OwnName {
  readonly name: string;
  readonly uuid: string;
}

/** The device by that name, or null when the kernel has none. Fault `precondition` when it is someone else's. */
export async function findOwn(engine: Engine, { name, uuid }: OwnName): Promise<DeviceInfo | null> {
  const found = await findDevice(engine, name);
  if (found === null || found.uuid === uuid) return found;
  throw new FaultError(
    'precondition',
    `Cannot use device "${name}": its uuid is "${found.uuid}", not "${uuid}": it is not ours`,
  );
}

/** Creates the device with its path in /dev/mapper; when any of it fails, neither is left. */
export async function createDevice(engine: Engine, device: NewDevice): Promise<void> {
  nodePath(device.name);
  const number = await engine.create(device);
  try {
    await failpoint('device.resumed');
    linkNode(device.name, number);
    await failpoint('device.linked');
  } catch (error) {
    await removeWithPatience(engine, device.name, 'never');
    unlinkNode(device.name, number);
    throw error;
  }
}

async function createThinDevice(engine: Engine, activation: Activation): Promise<void> {
  const { name, uuid, readOnly, pool, thinId, sizeSectors } = activation;
  const table = thinTable({ poolPath: nodePath(pool), thinId, sizeSectors });
  await createDevice(engine, { name, uuid, readOnly, table });
}

/** As `createThinDevice`, for an id that the pool has just said to have made. */
export async function createFreshDevice(engine: Engine, activation: Activation): Promise<void> {
  try {
    await createThinDevice(engine, activation);
  } catch (error) {
    // The message was answered with 0, then its commit failed and took the id back (measured): the status tells.
    if (isFault(error, 'thin-id-missing')) await confirmCommitted(engine, activation.pool, 'noflush');
    throw error;
  }
}

/** As `createThinDevice`, but content with a device that is there already, and mending what a crash left of one. */
export async function openThinDevice(engine: Engine, activation: Activation): Promise<void> {
  const found = await findOwn(engine, activation);
  if (found === null) {
    await confirmSame(engine, activation.pool, activation.poolTag);
    return createThinDevice(engine, activation);
  }
  if (found.live && found.readOnly === activation.readOnly) {
    if (found.suspended) await engine.resume(found.name);
    linkNode(found.name, found.number);
    return undefined;
  }
  await removeDevice(engine, found, 'returns');
  return createThinDevice(engine, activation);
}

/** Takes a device away from the kernel, and its path. What is gone already is no fault; `device-busy` when it is open. */
export async function removeOwn(engine: Engine, own: OwnName, fate: NameFate): Promise<void> {
  const found = await findOwn(engine, own);
  if (found === null) {
    unlinkStaleNode(own.name);
    return;
  }
  await removeDevice(engine, found, fate);
}

async function removeDevice(engine: Engine, device: DeviceInfo, fate: NameFate): Promise<void> {
  // Who waits for a suspended device holds it open for as long.
  if (device.suspended) await engine.resume(device.name);
  await failpoint('device.before-remove');
  await removeWithPatience(engine, device.name, fate);
  await failpoint('device.removed');
  if (fate === 'returns') await waitUntilUdevDropped(device.name, device.number);
  unlinkNode(device.name, device.number);
  await failpoint('device.unlinked');
}

/** The device, which is to be deleted, once nobody has it open; fault `device-busy` when someone goes on to. */
export async function waitUntilClosed(engine: Engine, name: string): Promise<DeviceInfo> {
  return withPatience('never', async () => {
    const found = await engine.info(name);
    if (found.openCount === 0) return found;
    throw new FaultError('device-busy', `Cannot use "${name}" alone: it is open ${found.openCount} times`);
  });
}

async function removeWithPatience(engine: Engine, name: string, fate: NameFate): Promise<void> {
  try {
    await withPatience(fate, () => engine.remove(name));
  } catch (error) {
    if (!isFault(error, 'device-missing')) throw error;
  }
}

async function withPatience<Answer>(fate: NameFate, action: () => Promise<Answer>): Promise<Answer> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await action();
    } catch (error) {
      if (!isFault(error, 'device-busy') || tries === BUSY_TRIES_MAX[fate]) throw error;
    }
    await pause(BUSY_PAUSE_MS[fate]);
  }
}

async function findDevice(engine: Engine, name: string): Promise<DeviceInfo | null> {
  try {
    return await engine.info(name);
  } catch (error) {
    if (isFault(error, 'device-missing')) return null;
    throw error;
  }
}
