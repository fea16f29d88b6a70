// Takes a device away from the kernel, with its path; it may come back under the same name.

import type { TaskArgs } from '../../shared/tasks.ts';
import type { Engine } from '../devmapper/engine.ts';
import { removeOwn } from '../devmapper/thin-device.ts';

export function deactivate(engine: Engine, own: TaskArgs<'deactivate'>): Promise<void> {
  return removeOwn(engine, own, 'returns');
}
