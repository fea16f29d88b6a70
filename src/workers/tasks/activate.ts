// Makes a thin device known to the kernel, with its path.

import type { TaskArgs } from '../../shared/tasks.ts';
import type { Engine } from '../devmapper/engine.ts';
import { openThinDevice } from '../devmapper/thin-device.ts';

export function activate(engine: Engine, activation: TaskArgs<'activate'>): Promise<void> {
  return openThinDevice(engine, activation);
}
