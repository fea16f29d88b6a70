// Takes a pool away from the kernel with its loop devices; its contents stay. What is gone already is no fault.

import { join } from 'node:path';
import { FaultError, isFault } from '../../shared/faults.ts';
import { LOOP_FILES } from '../../shared/pool-makeup.ts';
import type { TaskArgs } from '../../shared/tasks.ts';
import type { Engine } from '../devmapper/engine.ts';
import { removeOwn } from '../devmapper/thin-device.ts';
import { detachLoopFile } from '../pools/loop-files.ts';
import { deactivateLvmPool, findLvmPool } from '../pools/lvm.ts';

export async function disassemblePool(engine: Engine, { name, makeup }: TaskArgs<'disassemblePool'>): Promise<void> {
  try {
    if (makeup.kind === 'lvm') {
      if ((await findLvmPool(makeup))?.active === true) await deactivateLvmPool(makeup);
      return;
    }
    await removeOwn(engine, { name, uuid: makeup.uuid }, 'returns');
  } catch (error) {
    if (!isFault(error, 'device-busy')) throw error;
    const advice = `Devices are on it: "dmsetup ls --tree" shows which. End what uses them first`;
    throw new FaultError('device-busy', `Cannot deactivate pool ${name}: it is in use. ${advice}`, { cause: error });
  }
  if (makeup.kind !== 'loop') return;
  for (const file of LOOP_FILES) await detachLoopFile(join(makeup.dir, file));
}
