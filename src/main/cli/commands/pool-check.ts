// `thinsnap pool check POOL`: whether a pool's metadata is sound, and its repair where it is not.

import { resolve } from 'node:path';
import { isFault } from '../../../shared/faults.ts';
import type { MetadataVerdict } from '../../../shared/pool-steps.ts';
import type { PoolDescription } from '../../pools/description.ts';
import { factsIfActive } from '../../pools/facts.ts';
import { withPoolLock } from '../../pools/pool-lock.ts';
import { repairAdvice } from '../../pools/repair-advice.ts';
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
import { plainLines } from '../show/plain-text.ts';

export const poolCheck: Command = {
  kind: 'command',
  name: 'check',
  summary: 'check the metadata of a pool, or repair it',
  about:
    'Has thin_check read the metadata: all of it of an inactive pool, whose mark "needs_check" is taken back when it is sound; a metadata snapshot of an active one, also while a daemon uses it.',
  options: [
    flagOption('repair', 'where it is damaged: thin_repair. The pool must be inactive; the damaged metadata is kept'),
    {
      name: 'keep-in',
      short: null,
      value: 'DIR',
      help: 'where the damaged metadata of a pool on devices is kept (default: the working directory)',
      completion: 'directory',
    },
    flagOption('yes', 'do not ask before a repair', 'y'),
    ...POOL_OPTIONS,
  ],
  operands: [POOL_OPERAND],
  notes: ['Status 1: it is damaged.'],
  examples: ['thinsnap pool check thinsnap', 'thinsnap pool check --repair vg0/pool'],
  run: async (found, writer) => {
    const name = poolNameOf(found);
    return withPools(found, async (session) => {
      const { description } = await findPool(session, name);
      if (!found.switches.has('repair')) {
        const verdict = await checked(session, description);
        writer.out(`${plainLines(wordsOf(name, verdict))}\n`);
        return verdict.kind === 'sound' ? EXIT_OK : EXIT_FAILED;
      }
      return withPoolLock(name, async () => {
        const { makeup } = description;
        const verdict = await session.tasks.run('checkPool', { name, makeup });
        writer.out(`${plainLines(wordsOf(name, verdict))}\n`);
        if (verdict.kind === 'sound') return EXIT_OK;
        const yes = found.switches.has('yes');
        if (!(await confirm(`Repair the metadata of pool ${name}, and keep a copy of it as it is`, { yes })))
          return EXIT_FAILED;
        const keepIn = resolve(found.values.get('keep-in') ?? '.');
        const { kept } = await session.tasks.run('repairPool', { name, makeup, keepIn });
        writer.out(`pool ${name} is repaired; the damaged metadata is kept in ${kept}\n`);
        return EXIT_OK;
      });
    });
  },
};

/** Of an active pool also while a daemon has it: that changes nothing. */
async function checked(session: PoolSession, { name, makeup }: PoolDescription): Promise<MetadataVerdict> {
  const check = (): Promise<MetadataVerdict> => session.tasks.run('checkPool', { name, makeup });
  try {
    return await withPoolLock(name, check);
  } catch (error) {
    if (!isFault(error, 'unavailable') || (await factsIfActive(session.tasks, name)) === null) throw error;
    return check();
  }
}

function wordsOf(name: string, verdict: MetadataVerdict): string {
  if (verdict.kind === 'damaged') {
    const advice = verdict.live
      ? `Stop what uses it, ${repairAdvice(name)}`
      : `Run "thinsnap pool check --repair ${name}"`;
    return `pool ${name} is damaged: ${verdict.found}. ${advice}`;
  }
  return `the metadata of pool ${name} is sound${verdict.cleared ? '; its mark needs_check is taken back' : ''}`;
}
