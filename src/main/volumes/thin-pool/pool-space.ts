// A pool's status in bytes.

import { METADATA_BLOCK_BYTES } from '../../../shared/pool-makeup.ts';
import type { PoolStatus } from '../../../shared/tasks.ts';
import { type Sectors, toBytes } from '../../../shared/units.ts';
import type { Usage } from '../volumes.ts';

export function toSpace(status: PoolStatus, dataBlockSectors: Sectors): Record<'data' | 'metadata', Usage> {
  const dataBlockBytes = toBytes(dataBlockSectors);
  return {
    data: { usedBytes: status.usedDataBlocks * dataBlockBytes, totalBytes: status.totalDataBlocks * dataBlockBytes },
    metadata: {
      usedBytes: status.usedMetadataBlocks * METADATA_BLOCK_BYTES,
      totalBytes: status.totalMetadataBlocks * METADATA_BLOCK_BYTES,
    },
  };
}
