// Status and shape of a pool.

import type { TaskAnswer, TaskArgs } from '../../shared/tasks.ts';
import type { Engine } from '../devmapper/engine.ts';
import { readPool, readPoolTable } from '../devmapper/pool.ts';

export async function poolFacts(engine: Engine, { pool }: TaskArgs<'poolFacts'>): Promise<TaskAnswer<'poolFacts'>> {
  const status = await readPool(engine, pool, 'noflush');
  const { blockSectors } = await readPoolTable(engine, pool);
  const { uuid } = await engine.info(pool);
  return { status, uuid, dataBlockSectors: blockSectors };
}
