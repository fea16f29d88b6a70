// Makes the files of a pool on loop devices, or extends them.

import { join } from 'node:path';
import type { TaskArgs } from '../../shared/tasks.ts';
import { extendLoopFile } from '../pools/loop-files.ts';

export async function makeLoopFiles({ makeup, dataBytes, metadataBytes }: TaskArgs<'makeLoopFiles'>): Promise<void> {
  await extendLoopFile(join(makeup.dir, 'data'), dataBytes);
  await extendLoopFile(join(makeup.dir, 'metadata'), metadataBytes);
}
