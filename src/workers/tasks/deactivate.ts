// Takes a device away from the kernel, with its path.

import type { TaskArgs } from '../../shared/tasks.ts';
import type { Engine } from '../devmapper/engine.ts';
import { removeOwn } from '../devmapper/thin-device.ts';

export function deactivate(engine: Engine, { name, uuid, fate }: TaskArgs<'deactivate'>): Promise<void> {
  return removeOwn(engine, { name, uuid }, fate);
}
