// Holds mounted file systems still while their devices are copied. A file system that stays frozen hangs everyone who
// writes to it for ever, so each one is held by an open handle: it can be thawed even if it is being unmounted meanwhile.

import type { FileHandle } from 'node:fs/promises';
import { failpoint } from '../../shared/failpoints.ts';
import { FaultError } from '../../shared/faults.ts';
import { runTool, ToolError } from '../exec.ts';
import { thawUnmounted } from '../filesystem/private-mount.ts';
import { isClaimed } from './loop.ts';
import { openMountOf } from './mounts.ts';

/** Freezing writes back all that is dirty. */
const FREEZE_TIMEOUT_MS = 60_000;
const THAW_TIMEOUT_MS = 30_000;

/**
 * Runs `action` while the file systems on `devices` are frozen, clean and wholly on their devices; thaws them whatever
 * happens. A device that nothing has mounted is left as it is. Fault `device-busy` when someone else froze or thawed one,
 * or when it is mounted where no path leads.
 */
export async function withFrozen<Value>(devices: readonly string[], action: () => Promise<Value>): Promise<Value> {
  const frozen: { device: string; root: FileHandle }[] = [];
  let held = true;
  let value: Value;
  try {
    for (const device of devices) {
      const root = await openMountOf(device);
      if (root === null) {
        await refuseHidden(device);
        continue;
      }
      await freeze(device, root, () => frozen.push({ device, root }));
    }
    await failpoint('freeze.frozen');
    value = await action();
    await failpoint('freeze.copied');
  } finally {
    held = await thawAll(frozen);
  }
  await failpoint('freeze.thawed');
  if (!held) throw new FaultError('device-busy', `Cannot hold ${devices.join(', ')} still: thawed by someone else`);
  return value;
}

/** Thaws what is mounted from `device`, also when only the freeze keeps it alive; whether it was frozen. */
export async function thawDevice(device: string): Promise<boolean> {
  const root = await openMountOf(device);
  if (root === null) return (await isClaimed(device)) && (await thawUnmounted(device));
  try {
    return await thaw(root);
  } finally {
    await root.close();
  }
}

/** `keep` is told before the freeze is asked for, and not when the tool has said that it failed. */
async function freeze(device: string, root: FileHandle, keep: () => void): Promise<void> {
  try {
    await runTool('fsfreeze', ['--freeze', pathOf(root)], { timeoutMs: FREEZE_TIMEOUT_MS });
    keep();
  } catch (error) {
    // The tool was cut off: the kernel may have frozen it, or do so yet.
    if (error instanceof ToolError && error.exitCode === null && error.code !== 'tool-missing') keep();
    else await root.close();
    if (error instanceof ToolError) throw new FaultError(error.code, `Cannot freeze ${device}: ${error.message}`);
    throw error;
  }
}

/** Tries every one, and throws what the first failure was; whether all of them had stayed frozen. */
async function thawAll(frozen: readonly { device: string; root: FileHandle }[]): Promise<boolean> {
  const thawed = await Promise.allSettled(frozen.map(({ root }) => thaw(root)));
  await Promise.all(frozen.map(({ root }) => root.close()));
  for (const outcome of thawed) {
    if (outcome.status === 'rejected') throw outcome.reason;
  }
  return thawed.every((outcome) => outcome.status === 'fulfilled' && outcome.value);
}

async function thaw(root: FileHandle): Promise<boolean> {
  try {
    await runTool('fsfreeze', ['--unfreeze', pathOf(root)], { timeoutMs: THAW_TIMEOUT_MS });
    return true;
  } catch (error) {
    // EINVAL: it was not frozen (ioctl_fsfreeze(2)).
    if (error instanceof ToolError && error.stderr.includes('Invalid argument')) return false;
    throw error;
  }
}

/** Mounted, but not seen: a copy would be torn. What a virtual machine has open for itself claims nothing. */
async function refuseHidden(device: string): Promise<void> {
  if (!(await isClaimed(device))) return;
  throw new FaultError('device-busy', `Cannot freeze ${device}: it is in use, and mounted nowhere that can be reached`);
}

/** A path with nothing of the mount point's name in it, which anyone may have chosen. */
function pathOf(root: FileHandle): string {
  return `/proc/${process.pid}/fd/${root.fd}`;
}
