// What sysfs and stat tell of a block device without running a tool. A device is known by its number, never by its name:
// links and names differ between mount namespaces.

import { readFile, stat } from 'node:fs/promises';
import { FaultError } from '../../shared/faults.ts';
import { type Bytes, parseBytes, SECTOR_BYTES } from '../../shared/units.ts';

/** "MAJOR:MINOR" of a block device, as in /proc/PID/mountinfo and /sys/dev/block. */
export async function deviceNumber(path: string): Promise<string> {
  const status = await stat(path, { bigint: true });
  if (!status.isBlockDevice())
    throw new FaultError('invalid', `Cannot use ${path} as a device: it is not a block device`);
  return toDeviceNumber(status.rdev);
}

/** The C library's dev_t (gnu_dev_major in sysmacros.h): the low 8 bits of the minor, 12 of the major, 12 of the minor, the rest. */
export function toDeviceNumber(dev: bigint): string {
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n);
  const minor = (dev & 0xffn) | ((dev >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}

/** The size of a file or of a block device; stat says 0 of the latter. */
export async function storageBytes(path: string): Promise<Bytes> {
  const status = await stat(path, { bigint: true });
  if (status.isFile()) return parseBytes(Number(status.size));
  // Always in units of 512 bytes (Documentation/ABI/stable/sysfs-block).
  const sectors = await readFile(`/sys/dev/block/${await deviceNumber(path)}/size`, 'utf8');
  return parseBytes(Number(sectors) * SECTOR_BYTES);
}
