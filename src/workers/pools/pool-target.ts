// The thin-pool device of a pool that is ours to assemble: its table from what lies under it, made, brought to the size of
// that, and taken away.

import { open } from 'node:fs/promises';
import { METADATA_BLOCK_BYTES, METADATA_BYTES_MAX, type PoolTraits, poolGeometry } from '../../shared/pool-makeup.ts';
import type { Bytes } from '../../shared/units.ts';
import type { DeviceInfo, Engine, TargetLine } from '../devmapper/engine.ts';
import { linkNode } from '../devmapper/node.ts';
import { readPool } from '../devmapper/pool.ts';
import { poolTable } from '../devmapper/status.ts';
import { withErrno } from '../errno.ts';

/** A device with its size. */
export interface Part {
  readonly path: string;
  readonly sizeBytes: Bytes;
}

export interface PoolParts {
  readonly data: Part;
  readonly metadata: Part;
}

export function tableOf({ data, metadata }: PoolParts, { blockSectors, features }: PoolTraits): TargetLine {
  const { sizeSectors, lowWaterBlocks } = poolGeometry(data.sizeBytes, blockSectors);
  return poolTable({
    metadataPath: metadata.path,
    dataPath: data.path,
    sizeSectors,
    blockSectors,
    lowWaterBlocks,
    features,
  });
}

/** Brings a live pool to the size of what lies under it, also when a crash came after that had grown. */
export async function refreshPool(
  engine: Engine,
  live: DeviceInfo,
  { parts, traits }: { parts: PoolParts; traits: PoolTraits },
): Promise<void> {
  if (live.suspended) await engine.resume(live.name);
  linkNode(live.name, live.number);
  const table = tableOf(parts, traits);
  const [line] = await engine.table(live.name);
  const { mode, totalMetadataBlocks } = await readPool(engine, live.name, 'noflush');
  // A failed pool has no sizes to compare, and no table would heal it.
  if (line === undefined || mode === 'fail') return;
  const metadataGrew = totalMetadataBlocks * METADATA_BLOCK_BYTES < usableMetadata(parts.metadata.sizeBytes);
  // The pool measures its metadata device each time that it is resumed with a table (pool_preresume in dm-thin.c).
  if (line.lengthSectors < table.lengthSectors || metadataGrew) await engine.reload(live.name, table);
}

function usableMetadata(metadataBytes: Bytes): number {
  return Math.min(metadataBytes - (metadataBytes % METADATA_BLOCK_BYTES), METADATA_BYTES_MAX);
}

/** The kernel makes a new pool where the first block is zero, and refuses whatever else it does not know. */
export async function isBlank(path: string): Promise<boolean> {
  return withErrno(`read ${path}`, async () => {
    const handle = await open(path, 'r');
    try {
      const { buffer } = await handle.read(Buffer.alloc(METADATA_BLOCK_BYTES), 0, METADATA_BLOCK_BYTES, 0);
      return buffer.every((byte) => byte === 0);
    } finally {
      await handle.close();
    }
  });
}
