// Brings all of a device to disk before it is committed, and tells whether anyone still has it open.

import { failpoint } from '../../shared/failpoints.ts';
import type { TaskAnswer, TaskArgs } from '../../shared/tasks.ts';
import type { Engine } from '../devmapper/engine.ts';
import { confirmRoom, confirmTag, readMapped } from '../devmapper/pool.ts';

export async function sealThin(engine: Engine, args: TaskArgs<'sealThin'>): Promise<TaskAnswer<'sealThin'>> {
  const { pool, poolTag, name } = args;
  // A suspend would wait for space, where writes do: in the kernel, for a minute.
  const before = await confirmRoom(engine, pool, 'noflush');
  // Another pool, which came in the place of ours while the device stayed active, would commit nothing of it.
  confirmTag(pool, before, poolTag);
  const { openCount } = await engine.info(name);
  const mappedBytes = await readMapped(engine, name);
  await failpoint('seal.mapped');
  // The last close wrote the page cache back; a status that is not NOFLUSH has the pool flush its data device and commit
  // its metadata (pool_status and commit in dm-thin.c). While the device is open there is more to come.
  const status = await confirmRoom(engine, pool, openCount === 0 ? 'commit' : 'noflush');
  return { open: openCount > 0, mappedBytes, status };
}
