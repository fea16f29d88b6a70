// `thinsnap pool show POOL`: one pool, for people, for programs, or for a daemon's configuration.

import { factsIfActive } from '../../pools/facts.ts';
import { UsageError } from '../arguments.ts';
import { type Command, EXIT_OK } from '../command.ts';
import { flagOption, jsonOption } from '../options.ts';
import { findPool, POOL_OPERAND, POOL_OPTIONS, poolNameOf, withPools } from '../pools/pool-session.ts';
import { daemonToml, poolJson, poolPairs } from '../pools/pool-text.ts';
import { showJson } from '../show/format.ts';
import { pairLines } from '../show/layout.ts';

export const poolShow: Command = {
  kind: 'command',
  name: 'show',
  summary: 'one pool: what it is made of, its state and use',
  about: 'Shows one pool. POOL is its name under /dev/mapper, or VG/LV of an LVM pool.',
  options: [
    flagOption('toml', 'what to put into the configuration of thinsnapd'),
    jsonOption('{"name": ..., "makeup": ..., "active": ..., "live": ...}'),
    ...POOL_OPTIONS,
  ],
  operands: [POOL_OPERAND],
  notes: [],
  examples: ['thinsnap pool show thinsnap-pool', 'thinsnap pool show --toml vg0/pool >> /etc/thinsnap/config.toml'],
  run: async (found, writer) => {
    const name = poolNameOf(found);
    const asToml = found.switches.has('toml');
    if (asToml && found.switches.has('json')) throw new UsageError('--toml and --json exclude each other');
    return withPools(found, async (session) => {
      const { description } = await findPool(session, name);
      if (asToml) {
        writer.out(daemonToml(description));
        return EXIT_OK;
      }
      const facts = await factsIfActive(session.tasks, name);
      if (found.switches.has('json')) writer.out(showJson(poolJson(description, facts), 'pretty'));
      else writer.out(`${pairLines(poolPairs(description, facts, writer.unicode), writer).join('\n')}\n`);
      return EXIT_OK;
    });
  },
};
