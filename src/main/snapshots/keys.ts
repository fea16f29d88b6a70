// What a key or a name may be: anything but empty, up to a bound. It is only ever compared, stored and sent back.

import { FaultError } from '../../shared/faults.ts';

/** Longer than anything containerd makes (several hundred bytes) by far; a bound all the same. */
export const KEY_BYTES_MAX = 65_536;

/** Fault `invalid`. `what` is the field's name in the request. */
export function checkKey(what: 'key' | 'name', value: string): void {
  if (value === '') throw new FaultError('invalid', `Cannot use an empty ${what}: every snapshot has one`);
  const bytes = Buffer.byteLength(value);
  if (bytes > KEY_BYTES_MAX) {
    throw new FaultError('invalid', `Cannot use a ${what} of ${bytes} bytes: ${KEY_BYTES_MAX} are the most`);
  }
}
