// The tasks of a removal in their order, as thin-pool volumes run them.

import type { Activation, PoolStatus } from '../../../src/shared/tasks.ts';
import type { Engine } from '../../../src/workers/devmapper/engine.ts';
import { deactivate } from '../../../src/workers/tasks/deactivate.ts';
import { deleteThin } from '../../../src/workers/tasks/delete-thin.ts';
import { discardThin } from '../../../src/workers/tasks/discard-thin.ts';

export async function removeThin(
  engine: Engine,
  { activation, discard }: { activation: Activation; discard: boolean },
): Promise<PoolStatus> {
  if (discard) await discardThin(engine, activation);
  await deactivate(engine, { ...activation, fate: 'never' });
  return deleteThin(engine, activation);
}
