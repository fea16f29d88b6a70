// Makes the files of a pool on loop devices. One that is there is extended, and never made smaller.

import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LOOP_FILES } from '../../shared/pool-makeup.ts';
import type { TaskArgs } from '../../shared/tasks.ts';
import { extendLoopFile } from '../pools/loop-files.ts';
import { withUndo } from '../undo.ts';

export async function makeLoopFiles({ makeup, dataBytes, metadataBytes }: TaskArgs<'makeLoopFiles'>): Promise<void> {
  const sizes = { data: dataBytes, metadata: metadataBytes };
  await withUndo(async (note) => {
    for (const file of LOOP_FILES) {
      const path = join(makeup.dir, file);
      const isThere = await stat(path).then(
        () => true,
        () => false,
      );
      if (!isThere) note(path, () => rm(path, { force: true }));
      await extendLoopFile(path, sizes[file]);
    }
  });
}
