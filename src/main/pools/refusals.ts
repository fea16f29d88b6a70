// What a device must not be or hold to become a pool's, and the words in which that is said. All of it is said at once.

import { FaultError } from '../../shared/faults.ts';
import type { DeviceSurvey } from '../../shared/pool-steps.ts';

/** Fault `precondition`. `force`: what a device holds may be destroyed; who uses it is never overridden. */
export function refuseDevices(devices: readonly DeviceSurvey[], { force }: { readonly force: boolean }): void {
  const numbers = new Set(devices.map(({ number }) => number));
  if (numbers.size < devices.length) {
    throw new FaultError('invalid', 'Cannot make the pool: the same device is given twice');
  }
  const used = devices.filter(({ inUse }) => inUse.length > 0);
  if (used.length > 0) {
    const found = used.map(({ path, inUse }) => `${path}: ${inUse.join('; ')}`).join('. ');
    throw new FaultError('precondition', `Cannot make the pool: ${found}. Nothing was changed`);
  }
  const held = devices.filter(({ holds }) => holds.length > 0);
  if (held.length === 0 || force) return;
  const advice = 'Nothing was changed. With --force all of that is destroyed';
  throw new FaultError('precondition', `Cannot make the pool: ${describeHoldings(held)}. ${advice}`);
}

/** "/dev/sdb holds a signature of ext4 at 0x438". */
export function describeHoldings(devices: readonly DeviceSurvey[]): string {
  return devices
    .filter(({ holds }) => holds.length > 0)
    .map(({ path, holds }) => `${path} holds ${holds.join(', ')}`)
    .join('; ');
}
