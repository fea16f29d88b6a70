// Makes the formatted device that every snapshot without a parent is taken of: once for each file system, options and size.

import { failpoint } from '../../shared/failpoints.ts';
import type { TaskAnswer, TaskArgs } from '../../shared/tasks.ts';
import type { Engine } from '../devmapper/engine.ts';
import { nodePath } from '../devmapper/node.ts';
import { confirmCommitted, confirmRoom, confirmSame, deleteThin, readMapped } from '../devmapper/pool.ts';
import { createFreshDevice, removeOwn } from '../devmapper/thin-device.ts';
import { makeFileSystem } from '../filesystem/mkfs.ts';
import { withUndo } from '../undo.ts';

export function createBase(engine: Engine, args: TaskArgs<'createBase'>): Promise<TaskAnswer<'createBase'>> {
  const { activation, mkfs } = args;
  const { pool, thinId, name } = activation;
  return withUndo(async (note) => {
    await confirmSame(engine, pool, activation.poolTag);
    await engine.message(pool, `create_thin ${thinId}`);
    note(`thin id ${thinId}`, () => deleteThin(engine, pool, thinId));
    await failpoint('create-base.sent');
    await createFreshDevice(engine, activation);
    note(`device "${name}"`, () => removeOwn(engine, activation, 'never'));
    await failpoint('create-base.activated');
    await makeFileSystem(nodePath(name), mkfs);
    await failpoint('create-base.formatted');
    await confirmCommitted(engine, pool, 'commit');
    await failpoint('create-base.committed');
    const mappedBytes = await readMapped(engine, name);
    await removeOwn(engine, activation, 'returns');
    await failpoint('create-base.deactivated');
    return { status: await confirmRoom(engine, pool, 'noflush'), mappedBytes };
  });
}
