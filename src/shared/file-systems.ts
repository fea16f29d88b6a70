// What is known of each file system beforehand, so that settings and requests can be refused before anything is made.

import type { FsType } from './tasks.ts';
import { type Bytes, MIB, parseBytes } from './units.ts';

/**
 * The smallest device that is formatted. xfs: mkfs.xfs 6.1 refuses less than 300 MiB. ext: our own choice; mke2fs 1.47
 * goes down to 2 MiB before it leaves out the journal without failing.
 */
export const MIN_FILE_SYSTEM_BYTES: Record<FsType, Bytes> = {
  ext4: parseBytes(16 * MIB),
  ext2: parseBytes(16 * MIB),
  xfs: parseBytes(300 * MIB),
};
