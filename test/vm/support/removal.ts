// The tasks of a removal in their order, as thin-pool volumes run them.

import { toError } from '../../../src/shared/faults.ts';
import type { Activation, PoolStatus } from '../../../src/shared/tasks.ts';
import type { Engine } from '../../../src/workers/devmapper/engine.ts';
import { deactivate } from '../../../src/workers/tasks/deactivate.ts';
import { deleteThins } from '../../../src/workers/tasks/delete-thins.ts';
import { discardThin } from '../../../src/workers/tasks/discard-thin.ts';

export async function removeThin(
  engine: Engine,
  { activation, discard }: { activation: Activation; discard: boolean },
): Promise<PoolStatus> {
  if (discard) await discardThin(engine, activation);
  await deactivate(engine, { ...activation, fate: 'never' });
  const { pool, poolTag, thinId } = activation;
  const { status, failed } = await deleteThins(engine, { pool, poolTag, thinIds: [thinId] });
  for (const fault of failed.values()) throw toError(fault);
  return status;
}
