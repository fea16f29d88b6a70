// `thinsnap inspect KEY`: all that is known of one snapshot.

import { Admin } from '../../rpc/gen/thinsnap/admin/v1/admin_pb.ts';
import { type Command, EXIT_OK } from '../command.ts';
import { inspectJson } from '../daemon/to-json.ts';
import { withDaemon } from '../daemon/with-daemon.ts';
import { DAEMON_OPTIONS, flagOption, jsonOption, KEY_OPTIONS, parseKey } from '../options.ts';
import { showJson } from '../show/format.ts';
import { inspectLines } from '../show/inspect-lines.ts';

export const inspect: Command = {
  kind: 'command',
  name: 'inspect',
  summary: 'show all that is known of one snapshot',
  about: 'Shows one snapshot: its times, its mount, its device, its parents, its children and its labels.',
  options: [
    flagOption('usage', 'ask the kernel for what an active one has added; activates it where it is not', 'u'),
    ...KEY_OPTIONS,
    jsonOption('{"name": ..., "device": {...}, "ancestors": [...], "labels": {...}, ...}'),
    ...DAEMON_OPTIONS,
  ],
  operands: [{ name: 'KEY', count: 'one', completion: 'key' }],
  notes: ['A key that begins with "-" goes behind "--". Status 4: there is no snapshot of that name.'],
  examples: [
    'thinsnap inspect sha256:b5a306d0...',
    'thinsnap inspect --json default/12/web --usage',
    'thinsnap inspect --quoted \'"a\\nb"\'',
  ],
  run: async (found, writer) => {
    const request = { key: parseKey(found) ?? '', withUsage: found.switches.has('usage') };
    const answer = await withDaemon(found, (client) => client.call(Admin.method.inspect, request));
    if (found.switches.has('json')) writer.out(showJson(inspectJson(answer), 'pretty'));
    else writer.out(`${inspectLines(answer, writer, Date.now()).join('\n')}\n`);
    return EXIT_OK;
  },
};
