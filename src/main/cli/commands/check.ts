// `thinsnap check`: whether the catalog, the pool and the kernel agree, and what to do where they do not.

import { isFault } from '../../../shared/faults.ts';
import { Admin } from '../../rpc/gen/thinsnap/admin/v1/admin_pb.ts';
import type { Wish } from '../../upkeep/comparison.ts';
import type { Arguments } from '../arguments.ts';
import { type Command, CommandError, EXIT_FAILED, EXIT_NO_DAEMON, EXIT_OK } from '../command.ts';
import { checkStopped } from '../daemon/stopped-check.ts';
import { loadRoot, ROOT_OPTIONS } from '../daemon/stopped-root.ts';
import { withDaemon } from '../daemon/with-daemon.ts';
import { flagOption, jsonOption } from '../options.ts';
import { comparisonLines, type ShownComparison } from '../show/comparison-lines.ts';
import { showJson } from '../show/format.ts';
import { plainLines } from '../show/plain-text.ts';

/** Of the options, those that say where the records are. */
const ROOT_NAMES = ['config', 'root-path'];

export const check: Command = {
  kind: 'command',
  name: 'check',
  summary: 'hold records against what storage and the kernel have',
  about:
    'Compares the records with what storage holds and the kernel has, and shows what differs. The daemon may run or not.',
  options: [
    flagOption('repair', 'apply the rules that lose nothing first'),
    flagOption('quarantine-list', 'show only what no record names'),
    {
      name: 'drop',
      short: null,
      value: 'WHAT',
      help: 'delete this, which no record names, as --quarantine-list shows it: "thin id 7"',
      completion: 'nothing',
    },
    jsonOption('{"differences": [{"rule": ..., "what": ..., "meaning": ...}], "omitted": ...}'),
    ...ROOT_OPTIONS,
  ],
  operands: [],
  notes: [
    'Status 1: something differs, or could not be looked at. Nothing that no record names is deleted by itself.',
    'While no daemon runs, it looks itself, and none can start meanwhile.',
  ],
  examples: ['thinsnap check', 'thinsnap check --repair', 'thinsnap check --drop "thin id 7"'],
  run: async (found, writer) => {
    const answer = await ask(found, { repair: found.switches.has('repair'), drop: found.values.get('drop') ?? '' });
    const shown = found.switches.has('quarantine-list') ? onlyUnknown(answer) : answer;
    const { differences, omitted } = shown;
    if (found.switches.has('json')) {
      const plain = differences.map(({ rule, what, meaning }) => ({ rule, what, meaning }));
      writer.out(showJson({ differences: plain, omitted }, 'pretty'));
    } else {
      writer.out(`${plainLines(comparisonLines(shown).join('\n'))}\n`);
    }
    return differences.length === 0 && omitted === '' ? EXIT_OK : EXIT_FAILED;
  },
};

/** The daemon, while one runs; else whoever asks looks. */
async function ask(found: Arguments, wish: Wish): Promise<ShownComparison> {
  try {
    return await withDaemon(found, (client) => client.call(Admin.method.check, wish));
  } catch (error) {
    // A socket alone names no root to look at.
    const root = ROOT_NAMES.some((name) => found.values.has(name)) || !found.values.has('admin-address');
    if (!(error instanceof CommandError) || error.exitStatus !== EXIT_NO_DAEMON || !root) throw error;
    return checkStopped(await loadRoot(found), wish).catch((failed: unknown) => {
      if (isFault(failed, 'not-found')) throw error;
      if (!isFault(failed, 'unavailable')) throw failed;
      // A daemon has them, and does not answer.
      throw new CommandError(EXIT_NO_DAEMON, failed.code, `${error.message}. Nor without one: ${failed.message}`);
    });
  }
}

function onlyUnknown({ differences, omitted }: ShownComparison): ShownComparison {
  return { omitted, differences: differences.filter(({ rule }) => rule === 'unknown') };
}
