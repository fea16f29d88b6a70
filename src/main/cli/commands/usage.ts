// `thinsnap usage [KEY]...`: what snapshots take of storage, what of that is theirs alone, and what removing each would free.

import { Admin, type SnapshotUsage, type UsageTotals } from '../../rpc/gen/thinsnap/admin/v1/admin_pb.ts';
import { type Command, CommandError, EXIT_NO_DAEMON, EXIT_OK } from '../command.ts';
import type { AdminClient } from '../daemon/admin-client.ts';
import { usageJson } from '../daemon/to-json.ts';
import { withDaemon } from '../daemon/with-daemon.ts';
import { DAEMON_OPTIONS, jsonOption, KEY_OPTIONS, parseKeys } from '../options.ts';
import { showJson } from '../show/format.ts';
import { withProgress } from '../show/progress.ts';
import { sharedOf, usageLines } from '../show/usage-lines.ts';
import { type Compare, compareNumbers, compareText, type Orders, parseOrder, sortOptions } from '../sorting.ts';
import type { Writer } from '../writer.ts';

const ORDERS: Orders<SnapshotUsage> = new Map<string, Compare<SnapshotUsage>>([
  ['name', (left, right) => compareText(left.name, right.name)],
  ['provisioned', (left, right) => compareNumbers(left.provisionedBytes, right.provisionedBytes)],
  ['referenced', (left, right) => compareNumbers(left.referencedBytes, right.referencedBytes)],
  ['exclusive', (left, right) => compareNumbers(left.exclusiveBytes, right.exclusiveBytes)],
  ['shared', (left, right) => compareNumbers(sharedOf(left), sharedOf(right))],
  ['frees', (left, right) => compareNumbers(left.freesBytes, right.freesBytes)],
]);

export const usage: Command = {
  kind: 'command',
  name: 'usage',
  summary: 'show what snapshots take of storage, and what removing each would free',
  about:
    'Shows what each snapshot takes of storage at this moment, all of them or those named, and what everything takes together.',
  options: [
    ...sortOptions(ORDERS),
    ...KEY_OPTIONS,
    jsonOption('{"snapshots": [{"name": ..., "exclusive_bytes": ..., "frees_bytes": ...}], "totals": {...}}'),
    ...DAEMON_OPTIONS,
  ],
  operands: [{ name: 'KEY', count: 'any', completion: 'key' }],
  notes: [
    'EXCLUSIVE is what no other device maps, SHARED what others map too, REFERENCED both together, PROVISIONED the size of the file system. FREES is what is free once the snapshot is removed: at least that (">=") where snapshots of it stand ready, which go with it, and "-" where it has children, which must go first. "-" also stands for what is not known.',
    'On a thin pool, thin_ls reads all mappings from a metadata snapshot while everything goes on. Block files share blocks only where their file system copies by reflink: filefrag tells which.',
  ],
  examples: [
    'thinsnap usage',
    'thinsnap usage --sort frees --reverse',
    "thinsnap usage --json | jq '.totals.used_bytes'",
  ],
  run: async (found, writer) => {
    const compare = parseOrder(found, ORDERS);
    const keys = parseKeys(found);
    const { snapshots, totals } = await withDaemon(found, (client) => ask(client, keys, writer));
    snapshots.sort(compare);
    if (found.switches.has('json')) writer.out(showJson(usageJson(snapshots, totals), 'pretty'));
    else
      writer.out(
        usageLines(snapshots, totals, writer)
          .map((line) => `${line}\n`)
          .join(''),
      );
    return EXIT_OK;
  },
};

interface Answer {
  readonly snapshots: SnapshotUsage[];
  readonly totals: UsageTotals;
}

function ask(client: AdminClient, keys: readonly string[], writer: Writer): Promise<Answer> {
  return withProgress(writer, async (show) => {
    show('Reading what is mapped ...');
    const snapshots: SnapshotUsage[] = [];
    for await (const message of client.stream(Admin.method.usage, { keys: [...keys] }, writer.closed)) {
      snapshots.push(...message.snapshots);
      if (message.totals !== undefined) return { snapshots, totals: message.totals };
    }
    throw new CommandError(EXIT_NO_DAEMON, 'unavailable', 'Cannot tell what snapshots take: the answer broke off');
  });
}
