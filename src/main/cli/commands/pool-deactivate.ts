// `thinsnap pool deactivate POOL`: takes a pool away from the kernel. What it holds stays on disk.

import { withPoolLock } from '../../pools/pool-lock.ts';
import { type Command, EXIT_OK } from '../command.ts';
import { findPool, POOL_OPERAND, POOL_OPTIONS, poolNameOf, withPools } from '../pools/pool-session.ts';

export const poolDeactivate: Command = {
  kind: 'command',
  name: 'deactivate',
  summary: 'take a pool away from the kernel; what it holds stays',
  about:
    'Makes a pool unknown to the kernel, with its loop devices or LVM volumes. Refused while a daemon has it or devices are on it.',
  options: POOL_OPTIONS,
  operands: [POOL_OPERAND],
  notes: [],
  examples: ['thinsnap pool deactivate thinsnap'],
  run: async (found, writer) => {
    const name = poolNameOf(found);
    return withPools(found, async (session) => {
      const { description } = await findPool(session, name);
      await withPoolLock(name, () => session.tasks.run('disassemblePool', { name, makeup: description.makeup }));
      writer.out(`pool ${name} is inactive\n`);
      return EXIT_OK;
    });
  },
};
