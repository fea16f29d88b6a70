// `thinsnap pool create`: a thin pool on files, on disks by LVM, or on two devices as they are. It is made whole or not at all.

import { FaultError } from '../../../shared/faults.ts';
import { removeDescription, writeDescription } from '../../pools/description.ts';
import { withPoolLock } from '../../pools/pool-lock.ts';
import { describeHoldings } from '../../pools/refusals.ts';
import { runPlan } from '../../pools/run-plan.ts';
import type { Arguments } from '../arguments.ts';
import { type Command, EXIT_FAILED, EXIT_OK } from '../command.ts';
import { confirm } from '../confirm.ts';
import { CREATE_OPTIONS, parseCreate } from '../pools/create-options.ts';
import { makePlan, type Planned } from '../pools/make-plan.ts';
import { POOL_OPTIONS, type PoolSession, withPools } from '../pools/pool-session.ts';
import { daemonToml, showCommands, showStep } from '../pools/pool-text.ts';
import type { Writer } from '../writer.ts';

export const poolCreate: Command = {
  kind: 'command',
  name: 'create',
  summary: 'make a thin pool on files, or on disks',
  about:
    'Makes a thin pool and writes its description, by which thinsnapd brings it back after a reboot. A device that holds anything is refused, and nothing is touched, unless --force is given; one that is mounted, held or used in any other way always is.',
  options: [...CREATE_OPTIONS, ...POOL_OPTIONS],
  operands: [],
  notes: [
    'If a step fails, those before it are undone. Status 1: it was refused or failed; nothing is left unless the message says so.',
    'Prints what to put into the configuration of thinsnapd, as "thinsnap pool show --toml" does later.',
  ],
  examples: [
    'thinsnap pool create --device /dev/disk/by-id/nvme-eui.0025385b21404321',
    'thinsnap pool create --device /dev/sdb,/dev/sdc --vg fast --name pool --dry-run',
    'thinsnap pool create --loop /var/lib/thinsnap-pool --data-size 50GB',
    'thinsnap pool create --data-device /dev/sdb --metadata-device /dev/sdc1 --name containers',
  ],
  run: async (found, writer) => {
    const wish = parseCreate(found);
    return withPools(found, async (session) => {
      const plan = await makePlan(session, wish);
      if (found.switches.has('dry-run')) {
        writer.out(showCommands(plan.steps.map(({ step }) => step)));
        return EXIT_OK;
      }
      if (!(await mayDestroy(plan, found))) return EXIT_FAILED;
      await withPoolLock(plan.description.name, () => create(session, plan, writer));
      writer.out(daemonToml(plan.description));
      return EXIT_OK;
    });
  },
};

/** Only what --force allows is asked about: a device that holds nothing loses nothing. */
async function mayDestroy({ devices }: Planned, { switches }: Arguments): Promise<boolean> {
  const holdings = describeHoldings(devices);
  if (holdings === '') return true;
  return confirm(`${holdings}. Destroy that`, { yes: switches.has('yes') });
}

async function create(
  { directory, tasks, signal }: PoolSession,
  { description, steps }: Planned,
  writer: Writer,
): Promise<void> {
  await writeDescription(directory, description);
  try {
    await runPlan(steps, { tasks, signal, onStep: (progress) => showStep(writer, progress) });
    await writeDescription(directory, { ...description, complete: true });
  } catch (error) {
    // What is left is cleared away by `pool remove`, which needs it.
    if (error instanceof FaultError && error.leaves === 'something') throw error;
    await removeDescription(directory, description.name);
    throw error;
  }
}
