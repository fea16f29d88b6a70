// `thinsnap pool remove POOL`: the pool with all that it holds, for good; the disks are as before.

import { FaultError, isFault } from '../../../shared/faults.ts';
import type { PoolStep } from '../../../shared/pool-steps.ts';
import { type PoolDescription, removeDescription } from '../../pools/description.ts';
import { withPoolLock } from '../../pools/pool-lock.ts';
import { disksOf, othersIn, planRemoval, type RemovalFacts } from '../../pools/remove-plan.ts';
import { type Command, EXIT_FAILED, EXIT_OK } from '../command.ts';
import { confirm } from '../confirm.ts';
import { flagOption } from '../options.ts';
import {
  findPool,
  POOL_OPERAND,
  POOL_OPTIONS,
  type PoolSession,
  poolNameOf,
  withPools,
} from '../pools/pool-session.ts';
import { showCommands, showPlace, showStep } from '../pools/pool-text.ts';
import type { Writer } from '../writer.ts';

export const poolRemove: Command = {
  kind: 'command',
  name: 'remove',
  summary: 'remove a pool and all that it holds',
  about:
    'Removes a pool with all snapshots on it. The disks are left as they were before it: files deleted; LVM volume, group and disks given back where "pool create" made them; devices discarded, and their first and last MiB zeroed.',
  options: [
    flagOption('dry-run', 'print the commands, and do nothing'),
    flagOption('yes', 'do not ask', 'y'),
    ...POOL_OPTIONS,
  ],
  operands: [POOL_OPERAND],
  notes: [
    'Refused while a daemon has the pool or devices are on it. Only pools that "thinsnap pool create" made are removed.',
    'It also clears away what a creation left that did not end.',
  ],
  examples: ['thinsnap pool remove thinsnap', 'thinsnap pool remove --yes vg0/pool'],
  run: async (found, writer) => {
    const name = poolNameOf(found);
    return withPools(found, async (session) => {
      const { description, described } = await findPool(session, name);
      if (!described) {
        const maker = 'it was not made by "thinsnap pool create"';
        throw new FaultError('precondition', `Cannot remove pool ${name}: ${maker}. Use lvremove`);
      }
      if (found.switches.has('dry-run')) {
        writer.out(showCommands(planRemoval(description, await factsFor(session, description))));
        return EXIT_OK;
      }
      const question = `Remove pool ${name} on ${showPlace(description.makeup)} and all that it holds`;
      return withPoolLock(name, async () => {
        if (!(await confirm(question, { yes: found.switches.has('yes') }))) return EXIT_FAILED;
        await remove(session, description, writer);
        return EXIT_OK;
      });
    });
  },
};

async function remove(session: PoolSession, description: PoolDescription, writer: Writer): Promise<void> {
  const { tasks, directory } = session;
  const facts = await factsFor(session, description);
  const steps: readonly PoolStep[] = planRemoval(description, facts);
  for (const [index, step] of steps.entries()) {
    showStep(writer, { step, number: index + 1, total: steps.length });
    await tasks.run('poolStep', { step });
  }
  // Last: until then it can be removed again.
  await removeDescription(directory, description.name);
  const others = othersIn(description, facts.group);
  if (others.length > 0)
    writer.error(`its volume group and disks stay, since other volumes are on them: ${others.join(', ')}\n`);
  writer.out(`pool ${description.name} is removed\n`);
}

async function factsFor({ tasks }: PoolSession, description: PoolDescription): Promise<RemovalFacts> {
  const { makeup } = description;
  const devices = await Promise.all(
    disksOf(description).map(async (path) => {
      try {
        return [await tasks.run('surveyDevice', { path })];
      } catch (error) {
        if (isFault(error, 'device-missing')) return [];
        throw error;
      }
    }),
  );
  const group = makeup.kind === 'lvm' ? await tasks.run('lvmGroup', { vg: makeup.vg }) : null;
  return { devices: devices.flat(), group };
}
