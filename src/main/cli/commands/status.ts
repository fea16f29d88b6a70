// `thinsnap status`: all about the daemon on one screen, once or again and again.

import { setTimeout as sleep } from 'node:timers/promises';
import { Admin } from '../../rpc/gen/thinsnap/admin/v1/admin_pb.ts';
import { type Arguments, UsageError } from '../arguments.ts';
import { type Command, CommandError, EXIT_NO_DAEMON, EXIT_OK } from '../command.ts';
import type { AdminClient } from '../daemon/admin-client.ts';
import { statusJson } from '../daemon/to-json.ts';
import { withDaemon } from '../daemon/with-daemon.ts';
import { DAEMON_OPTIONS, flagOption, jsonOption } from '../options.ts';
import { showJson } from '../show/format.ts';
import { foldLine } from '../show/layout.ts';
import { plainLine } from '../show/plain-text.ts';
import { statusLines } from '../show/status-lines.ts';
import type { Writer } from '../writer.ts';

const INTERVAL_SECONDS = '2';
const INTERVAL_MAX_SECONDS = 86_400;
const MS_PER_SECOND = 1000;
/** ECMA-48: cursor to the first line; erase from there to the screen's end. */
const HOME = '\u001b[H';
const ERASE_BELOW = '\u001b[J';
const ERASE_LINE_END = '\u001b[K';

export const status: Command = {
  kind: 'command',
  name: 'status',
  summary: 'show health, volumes, space, snapshots and queues',
  about: 'Shows the daemon: health and what to do if something is wrong, volumes, space, snapshots, devices, queues.',
  options: [
    jsonOption('{"health": ..., "problems": [...], "space": {...}, ...}; sizes in bytes'),
    flagOption('watch', 'again and again, until Ctrl-C; with --json a line each time', 'w'),
    {
      name: 'interval',
      short: null,
      value: 'SECONDS',
      help: `with --watch: from one look to the next (default ${INTERVAL_SECONDS})`,
      completion: 'nothing',
    },
    ...DAEMON_OPTIONS,
  ],
  operands: [],
  notes: [
    'The daemon answers from memory. Figures of a pool are at most 5 s old.',
    'The status is 0 whenever the daemon answers, also when something is wrong: see "health" in the JSON.',
  ],
  examples: [
    'thinsnap status',
    'thinsnap status --watch --interval 1',
    "thinsnap status --json | jq '.space.data.available_bytes'",
  ],
  run: async (found, writer) => {
    const intervalMs = parseInterval(found);
    if (found.switches.has('watch')) return watch(found, writer, intervalMs);
    writer.out(await withDaemon(found, (client) => look(client, found, writer)));
    return EXIT_OK;
  },
};

function parseInterval({ values, switches }: Arguments): number {
  const text = values.get('interval');
  if (text !== undefined && !switches.has('watch')) throw new UsageError('--interval is for --watch');
  const seconds = Number(text ?? INTERVAL_SECONDS);
  if (/^\d+(\.\d+)?$/.test(text ?? INTERVAL_SECONDS) && seconds >= 0.1 && seconds <= INTERVAL_MAX_SECONDS) {
    return seconds * MS_PER_SECOND;
  }
  throw new UsageError(`--interval takes seconds from 0.1 to ${INTERVAL_MAX_SECONDS}`);
}

/** A screen or a line of JSON, with its last line feed. */
async function look(client: AdminClient, { switches }: Arguments, writer: Writer): Promise<string> {
  const answer = await client.call(Admin.method.status, {});
  if (switches.has('json')) {
    return showJson(statusJson(answer, Date.now()), switches.has('watch') ? 'one line' : 'pretty');
  }
  return statusLines(answer, writer, Date.now())
    .map((line) => `${line}\n`)
    .join('');
}

/** Until nobody reads any more. A daemon that ends later is waited for: to see it come back is why people watch. */
async function watch(found: Arguments, writer: Writer, intervalMs: number): Promise<number> {
  for (let seen = false; !writer.closed.aborted; ) {
    try {
      paintScreen(writer, await withDaemon(found, (client) => look(client, found, writer)));
      seen = true;
    } catch (error) {
      if (!seen || !(error instanceof CommandError) || error.exitStatus !== EXIT_NO_DAEMON) throw error;
      if (found.switches.has('json')) writer.error(`${plainLine(error.message, writer)}\n`);
      else paintScreen(writer, `${foldLine(plainLine(error.message, writer), writer, 0).join('\n')}\n`);
    }
    await sleep(intervalMs, undefined, { signal: writer.closed }).catch(() => undefined);
  }
  return EXIT_OK;
}

/** On a terminal in the place of what was there, no more than fits; elsewhere below it. */
function paintScreen(writer: Writer, text: string): void {
  const { screen } = writer;
  if (screen === null || text.startsWith('{')) {
    writer.out(text);
    return;
  }
  const lines = text
    .trimEnd()
    .split('\n')
    .slice(0, screen.rows - 1);
  writer.out(HOME + lines.map((line) => `${line}${ERASE_LINE_END}\n`).join('') + ERASE_BELOW);
}
