// The link /dev/mapper/NAME of a device, there before a task answers and gone once the device is. Without a udevd nobody
// else makes it; with one, udev makes the same link at its own time, and drops it late: a name that comes back at once
// could lose the new device's link to the old one's removal.

import { existsSync, lstatSync, readlinkSync, renameSync, statSync, symlinkSync, unlinkSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { FaultError } from '../../shared/faults.ts';
import { errnoOf } from '../errno.ts';
import type { DeviceNumber } from './engine.ts';

const MAPPER_DIRECTORY = '/dev/mapper';
const UDEV_CONTROL_PATH = '/run/udev/control';
const UDEV_DROP_LIMIT_MS = 1_000;
const UDEV_POLL_MS = 10;

const NAME = /^[A-Za-z0-9_.+-]{1,127}$/;
const RESERVED: ReadonlySet<string> = new Set(['.', '..', 'control']);

/** The path of a device, from a name of our own making: nothing else may reach a path or a table. */
export function nodePath(name: string): string {
  if (!NAME.test(name) || RESERVED.has(name)) {
    throw new FaultError('invalid', `Cannot use ${JSON.stringify(name)} as a device's name: must match ${NAME.source}`);
  }
  return `${MAPPER_DIRECTORY}/${name}`;
}

/** Makes sure that the path leads to the device; what a crash left there for an earlier one is replaced. */
export function linkNode(name: string, number: DeviceNumber): void {
  const path = nodePath(name);
  const target = targetOf(number);
  try {
    symlinkSync(target, path);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw cannotLink(path, error);
    if (!leadsTo(path, number)) replaceLink(path, target);
  }
  if (!leadsTo(path, number)) {
    throw new FaultError('io', `Cannot link ${path}: ${MAPPER_DIRECTORY}/${target} is not the device`);
  }
}

/** Takes the path away when it still is the one of this device. */
export function unlinkNode(name: string, number: DeviceNumber): void {
  const path = nodePath(name);
  if (isOwn(path, number)) unlinkIfThere(path);
}

/** Takes away what a crash left at the path of a device that the kernel does not have. */
export function unlinkStaleNode(name: string): void {
  unlinkIfThere(nodePath(name));
}

/** Waits until udevd has dropped its link, so that its late removal cannot take the link of the name's next device. */
export async function waitUntilUdevDropped(name: string, number: DeviceNumber): Promise<void> {
  const path = nodePath(name);
  if (!existsSync(UDEV_CONTROL_PATH)) return;
  for (let waitedMs = 0; waitedMs < UDEV_DROP_LIMIT_MS && isOwn(path, number); waitedMs += UDEV_POLL_MS) {
    await pause(UDEV_POLL_MS);
  }
}

function targetOf({ minor }: DeviceNumber): string {
  return `../dm-${minor}`;
}

/** A link to the device, or a block node of the same number as dmsetup makes it. */
function isOwn(path: string, number: DeviceNumber): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return false;
  if (!found.isSymbolicLink()) return found.isBlockDevice() && isSame(found.rdev, number);
  try {
    return readlinkSync(path) === targetOf(number);
  } catch (error) {
    // udev took it between the two calls.
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

function leadsTo(path: string, number: DeviceNumber): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isBlockDevice() === true && isSame(found.rdev, number);
}

/** The C library's encoding of a device number, within the 12 bits of major and 20 of minor that the kernel has. */
function isSame(rdev: number, { major, minor }: DeviceNumber): boolean {
  return ((rdev >>> 8) & 0xfff) === major && ((rdev & 0xff) | ((rdev >>> 12) & 0xfff00)) === minor;
}

function replaceLink(path: string, target: string): void {
  const beside = `${path}.thinsnap-new`;
  try {
    unlinkIfThere(beside);
    symlinkSync(target, beside);
    renameSync(beside, path);
  } catch (error) {
    throw cannotLink(path, error);
  }
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') {
      throw new FaultError('io', `Cannot unlink ${path}: ${errnoOf(error) ?? String(error)}`, { cause: error });
    }
  }
}

function cannotLink(path: string, error: unknown): FaultError {
  return new FaultError('io', `Cannot link ${path}: ${errnoOf(error) ?? String(error)}`, { cause: error });
}
