// What each thin device of a pool maps, and what of that nobody else does: thin_ls walks all mappings for it, which takes
// seconds for each million of them.

import type { TaskAnswer, TaskArgs } from '../../shared/tasks.ts';
import { parseBytes, parseThinId } from '../../shared/units.ts';
import type { Engine } from '../devmapper/engine.ts';
import { readPool } from '../devmapper/pool.ts';
import { listThins } from '../pools/list-thins.ts';

/** At some 50 bytes a line, 300,000 devices, which a worker's heap still holds as rows. */
const MAX_BYTES = 16 * 1024 * 1024;

export async function poolFootprints(
  engine: Engine,
  { pool }: TaskArgs<'poolFootprints'>,
): Promise<TaskAnswer<'poolFootprints'>> {
  // Just before the rows: of one moment with them, unless somebody writes.
  const status = await readPool(engine, pool, 'commit');
  const columns = ['DEV', 'MAPPED_BYTES', 'EXCLUSIVE_BYTES'] as const;
  const rows = await listThins(engine, pool, { columns, maxBytes: MAX_BYTES });
  return {
    status,
    thins: rows.map(([thinId = 0, mapped = 0, exclusive = 0]) => ({
      thinId: parseThinId(thinId),
      mappedBytes: parseBytes(mapped),
      exclusiveBytes: parseBytes(exclusive),
    })),
  };
}
