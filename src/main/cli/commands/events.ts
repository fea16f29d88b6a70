// `thinsnap events`: what happens, as it happens.

import { Admin, type EventsResponse } from '../../rpc/gen/thinsnap/admin/v1/admin_pb.ts';
import { type Arguments, UsageError } from '../arguments.ts';
import { type Command, EXIT_OK } from '../command.ts';
import { withDaemon } from '../daemon/with-daemon.ts';
import { DAEMON_OPTIONS, jsonOption } from '../options.ts';
import { EVENT_TYPES, type EventType, eventJson, eventLine, typeOf } from '../show/event-lines.ts';
import { showJson } from '../show/format.ts';
import { fit } from '../show/layout.ts';
import type { Writer } from '../writer.ts';

export const events: Command = {
  kind: 'command',
  name: 'events',
  summary: 'show what happens, as it happens',
  about: 'Shows what happens from now on, each thing once it is durable, until Ctrl-C or the daemon ends.',
  options: [
    {
      name: 'only',
      short: null,
      value: 'TYPES',
      help: `with commas between: ${EVENT_TYPES.join(', ')}`,
      completion: EVENT_TYPES,
    },
    jsonOption('a line for each, {"time": ..., "type": ..., ...}'),
    ...DAEMON_OPTIONS,
  ],
  operands: [],
  notes: [
    'What is wrong already comes first. A reader that is too slow loses events and is told how many: "lost". Status 3: the daemon ended.',
  ],
  examples: [
    'thinsnap events',
    'thinsnap events --only problem,solved --json',
    'thinsnap events --only prepare,view --json | jq -r .key',
  ],
  run: async (found, writer) => {
    const wanted = parseTypes(found);
    await withDaemon(found, async (client) => {
      for await (const event of client.stream(Admin.method.events, {}, writer.closed)) {
        const type = typeOf(event);
        if (type !== null && wanted.has(type)) write(event, type, { found, writer });
      }
    });
    return EXIT_OK;
  },
};

function parseTypes({ values }: Arguments): ReadonlySet<EventType> {
  const text = values.get('only');
  if (text === undefined) return new Set(EVENT_TYPES);
  const types = text.split(',').map((word) => EVENT_TYPES.find((type) => type === word));
  const known = types.filter((type) => type !== undefined);
  if (known.length < types.length) throw new UsageError(`--only takes ${EVENT_TYPES.join(', ')}, with commas between`);
  return new Set(known);
}

interface Output {
  readonly found: Arguments;
  readonly writer: Writer;
}

function write(event: EventsResponse, type: EventType, { found, writer }: Output): void {
  if (found.switches.has('json')) writer.out(showJson(eventJson(event, type), 'one line'));
  else writer.out(`${fit(eventLine(event, type, writer), writer)}\n`);
}
