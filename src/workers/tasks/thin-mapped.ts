// What an active thin device maps, without a commit of the pool.

import type { TaskArgs } from '../../shared/tasks.ts';
import type { Bytes } from '../../shared/units.ts';
import type { Engine } from '../devmapper/engine.ts';
import { readMapped } from '../devmapper/pool.ts';

export function thinMapped(engine: Engine, { name }: TaskArgs<'thinMapped'>): Promise<Bytes> {
  return readMapped(engine, name);
}
