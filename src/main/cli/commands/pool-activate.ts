// `thinsnap pool activate POOL`: brings a pool back, as the daemon does at its start.

import { refuseIncomplete } from '../../pools/description.ts';
import { whenThere } from '../../pools/device-wait.ts';
import { withPoolLock } from '../../pools/pool-lock.ts';
import { type Command, EXIT_OK } from '../command.ts';
import { asUsage, WAIT_SECONDS_MAX, wholeFrom } from '../pools/create-options.ts';
import { findPool, POOL_OPERAND, POOL_OPTIONS, poolNameOf, withPools } from '../pools/pool-session.ts';
import { plainLines } from '../show/plain-text.ts';

export const poolActivate: Command = {
  kind: 'command',
  name: 'activate',
  summary: 'bring a pool back',
  about:
    'Makes an inactive pool known to the kernel, with its loop devices or LVM volumes, after thin_check has found its metadata sound. thinsnapd does so itself at its start.',
  options: [
    {
      name: 'wait',
      short: null,
      value: 'SECONDS',
      help: 'wait so long for what the pool is made of (default 0)',
      completion: 'nothing',
    },
    ...POOL_OPTIONS,
  ],
  operands: [POOL_OPERAND],
  notes: ['A pool that is active already is left alone, but for its size, where what it is made of has grown.'],
  examples: ['thinsnap pool activate thinsnap', 'thinsnap pool activate --wait 60 vg0/pool'],
  run: async (found, writer) => {
    const name = poolNameOf(found);
    const wait = found.values.get('wait');
    const limitMs = wait === undefined ? 0 : asUsage(() => wholeFrom('--wait', 0, WAIT_SECONDS_MAX)(wait)) * 1000;
    return withPools(found, async (session) => {
      const { description } = await findPool(session, name);
      refuseIncomplete(description);
      const { makeup } = description;
      const onWait = (missing: string): void => writer.error(`${plainLines(missing)}; waiting\n`);
      const { activated, check } = await withPoolLock(name, () =>
        whenThere(() => session.tasks.run('assemblePool', { name, makeup, check: true }), {
          limitMs,
          signal: session.signal,
          onWait,
        }),
      );
      if (check === 'no-tool') writer.error('thin_check is not installed: the metadata was not checked\n');
      writer.out(activated ? `pool ${name} is active\n` : `pool ${name} was active already\n`);
      return EXIT_OK;
    });
  },
};
