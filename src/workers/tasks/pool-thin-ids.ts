// The thin ids that a pool holds.

import type { TaskArgs } from '../../shared/tasks.ts';
import { parseThinId, type ThinId } from '../../shared/units.ts';
import type { Engine } from '../devmapper/engine.ts';
import { listThins } from '../pools/list-thins.ts';

// All 2^24 ids that a pool can hold, 8 digits and a newline each.
const MAX_BYTES = 9 * 2 ** 24;

export async function poolThinIds(engine: Engine, { pool }: TaskArgs<'poolThinIds'>): Promise<readonly ThinId[]> {
  const rows = await listThins(engine, pool, { columns: ['DEV'], maxBytes: MAX_BYTES });
  return rows.flat().map(parseThinId);
}
