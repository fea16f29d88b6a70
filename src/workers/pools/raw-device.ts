// A block device that is a part of a pool as it is.

import { FaultError } from '../../shared/faults.ts';
import { storageBytes } from '../block/device.ts';
import { errnoOf, withErrno } from '../errno.ts';
import type { Part } from './pool-target.ts';

/** Fault `device-missing` when there is no such device. */
export async function rawPart(path: string): Promise<Part> {
  return withErrno(`look at ${path}`, async () => {
    try {
      return { path, sizeBytes: await storageBytes(path) };
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
      throw new FaultError('device-missing', `Cannot bring the pool back: there is no ${path}`, { cause: error });
    }
  });
}
