// Makes a pool larger while it is in use: its files or volumes first, then the pool. Doing it again does no harm, so after a
// crash it is done again.

import { join } from 'node:path';
import type { PoolStatus, TaskArgs } from '../../shared/tasks.ts';
import type { Engine } from '../devmapper/engine.ts';
import { extendLoopFile } from '../pools/loop-files.ts';
import { extendLvmPool } from '../pools/lvm.ts';
import { assemblePool } from './assemble-pool.ts';
import { poolStatus } from './pool-status.ts';

export async function extendPool(engine: Engine, args: TaskArgs<'extendPool'>): Promise<PoolStatus> {
  const { name, poolTag, makeup, dataBytes, metadataBytes } = args;
  // Only an active pool grows, and only the right one: an extension activates nothing.
  await poolStatus(engine, { pool: name, poolTag });
  switch (makeup.kind) {
    case 'lvm':
      await extendLvmPool(makeup, { dataBytes, metadataBytes });
      break;
    case 'loop':
      // Metadata first: data that is not yet there needs none.
      if (metadataBytes !== null) await extendLoopFile(join(makeup.dir, 'metadata'), metadataBytes);
      if (dataBytes !== null) await extendLoopFile(join(makeup.dir, 'data'), dataBytes);
      await assemblePool(engine, { name, makeup, check: false });
      break;
    case 'raw':
      // Whoever made the devices makes them larger.
      await assemblePool(engine, { name, makeup, check: false });
      break;
  }
  return poolStatus(engine, { pool: name, poolTag });
}
