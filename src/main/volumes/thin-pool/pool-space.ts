// A pool's status in bytes.

import type { PoolStatus } from '../../../shared/tasks.ts';
import { SECTOR_BYTES, type Sectors } from '../../../shared/units.ts';
import type { Space } from '../volumes.ts';

/** The pool's metadata blocks are 4 KiB whatever its data blocks are (thin-provisioning.rst). */
const METADATA_BLOCK_BYTES = 4096;

export function toSpace(status: PoolStatus, dataBlockSectors: Sectors): Space {
  const dataBlockBytes = dataBlockSectors * SECTOR_BYTES;
  return {
    data: { usedBytes: status.usedDataBlocks * dataBlockBytes, totalBytes: status.totalDataBlocks * dataBlockBytes },
    metadata: {
      usedBytes: status.usedMetadataBlocks * METADATA_BLOCK_BYTES,
      totalBytes: status.totalMetadataBlocks * METADATA_BLOCK_BYTES,
    },
  };
}
