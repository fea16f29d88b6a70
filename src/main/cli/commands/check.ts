// `thinsnap check`: whether the catalog, the pool and the kernel agree, and what to do where they do not.

import { Admin, type CheckResponse } from '../../rpc/gen/thinsnap/admin/v1/admin_pb.ts';
import { type Command, EXIT_FAILED, EXIT_OK } from '../command.ts';
import { withDaemon } from '../daemon/with-daemon.ts';
import { DAEMON_OPTIONS, flagOption, jsonOption } from '../options.ts';
import { showJson } from '../show/format.ts';
import { plainLines } from '../show/plain-text.ts';

export const check: Command = {
  kind: 'command',
  name: 'check',
  summary: 'hold records against what storage and the kernel have',
  about:
    'Compares the records with what storage holds and the kernel has, while the daemon runs, and shows what differs.',
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
    ...DAEMON_OPTIONS,
  ],
  operands: [],
  notes: ['Status 1: something differs, or could not be looked at. Nothing that no record names is deleted by itself.'],
  examples: ['thinsnap check', 'thinsnap check --repair', 'thinsnap check --drop "thin id 7"'],
  run: async (found, writer) => {
    const request = { repair: found.switches.has('repair'), drop: found.values.get('drop') ?? '' };
    const answer = await withDaemon(found, (client) => client.call(Admin.method.check, request));
    const shown = found.switches.has('quarantine-list') ? onlyUnknown(answer) : answer;
    const { differences, omitted } = shown;
    if (found.switches.has('json')) {
      const plain = differences.map(({ rule, what, meaning }) => ({ rule, what, meaning }));
      writer.out(showJson({ differences: plain, omitted }, 'pretty'));
    } else {
      writer.out(`${plainLines(toLines(shown).join('\n'))}\n`);
    }
    return differences.length === 0 && omitted === '' ? EXIT_OK : EXIT_FAILED;
  },
};

function onlyUnknown(answer: CheckResponse): CheckResponse {
  return { ...answer, differences: answer.differences.filter(({ rule }) => rule === 'unknown') };
}

function toLines({ differences, omitted }: CheckResponse): readonly string[] {
  const lines = differences.map(({ rule, what, meaning }) => `${rule}  ${what}: ${meaning}`);
  if (omitted !== '') lines.push(`Not all was compared: ${omitted}`);
  return lines.length > 0 ? lines : ['Nothing differs'];
}
