// What is known of each file system beforehand, so that settings and requests can be refused before anything is made.

import type { FsType } from './tasks.ts';
import { type Bytes, MIB, parseBytes } from './units.ts';

/**
 * The smallest device that is formatted. xfs: mkfs.xfs refuses less than 300 MiB since xfsprogs 5.19. ext: below about
 * 8 MiB mke2fs leaves out the journal or the reserved blocks without failing.
 */
export const MIN_FILE_SYSTEM_BYTES: Record<FsType, Bytes> = {
  ext4: parseBytes(16 * MIB),
  ext2: parseBytes(16 * MIB),
  xfs: parseBytes(300 * MIB),
};
