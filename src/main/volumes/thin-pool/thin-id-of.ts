// The thin id of a device of a pool.

import { FaultError } from '../../../shared/faults.ts';
import type { ThinId } from '../../../shared/units.ts';
import type { Device } from '../../catalog/records.ts';

export function thinIdOf(device: Device): ThinId {
  if (device.place.kind !== 'thin') throw new FaultError('bug', 'a thin pool was given a device that is a file');
  return device.place.thinId;
}
