// Makes the formatted device that every snapshot without a parent is taken of: once for each file system, options and size.

import type { TaskAnswer, TaskArgs } from '../../shared/tasks.ts';
import type { Engine } from '../devmapper/engine.ts';
import { nodePath } from '../devmapper/node.ts';
import { confirmCommitted, confirmRoom, deleteThin, readMapped } from '../devmapper/pool.ts';
import { createFreshDevice, removeOwn } from '../devmapper/thin-device.ts';
import { makeFileSystem } from '../filesystem/mkfs.ts';
import { withUndo } from '../undo.ts';

export function createBase(engine: Engine, args: TaskArgs<'createBase'>): Promise<TaskAnswer<'createBase'>> {
  const { activation, mkfs } = args;
  const { pool, thinId, name } = activation;
  return withUndo(async (note) => {
    await engine.message(pool, `create_thin ${thinId}`);
    note(`thin id ${thinId}`, () => deleteThin(engine, pool, thinId));
    await createFreshDevice(engine, activation);
    note(`device "${name}"`, () => removeOwn(engine, activation, 'never'));
    await makeFileSystem(nodePath(name), mkfs);
    await confirmCommitted(engine, pool, 'commit');
    const mappedBytes = await readMapped(engine, name);
    await removeOwn(engine, activation, 'returns');
    return { status: await confirmRoom(engine, pool), mappedBytes };
  });
}
