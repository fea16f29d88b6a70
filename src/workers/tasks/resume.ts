// Lets the I/O of a device go on that a crash left suspended.

import type { TaskArgs } from '../../shared/tasks.ts';
import type { Engine } from '../devmapper/engine.ts';

export function resume(engine: Engine, { name }: TaskArgs<'resume'>): Promise<void> {
  return engine.resume(name);
}
