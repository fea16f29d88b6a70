// `thinsnap ls`: the snapshots that match, as a table, as names or as JSON.

import type { Snapshot } from '../../rpc/gen/thinsnap/admin/v1/admin_pb.ts';
import type { Arguments } from '../arguments.ts';
import { type Command, EXIT_OK } from '../command.ts';
import { listSnapshots } from '../daemon/list-snapshots.ts';
import { snapshotJson } from '../daemon/to-json.ts';
import { withDaemon } from '../daemon/with-daemon.ts';
import { kindWord } from '../daemon/words.ts';
import { DAEMON_OPTIONS, flagOption, jsonOption, USAGE_OPTION } from '../options.ts';
import { showAge, showBytes, showJson, toMs } from '../show/format.ts';
import { type Column, tableLines } from '../show/layout.ts';
import { showKey } from '../show/plain-text.ts';
import { type Compare, compareNumbers, compareText, type Orders, parseOrder, sortOptions } from '../sorting.ts';
import type { Writer } from '../writer.ts';

const ORDERS: Orders<Snapshot> = new Map<string, Compare<Snapshot>>([
  ['name', (left, right) => compareText(left.name, right.name)],
  ['parent', (left, right) => compareText(left.parent, right.parent)],
  ['kind', (left, right) => compareText(kindWord(left.kind), kindWord(right.kind))],
  ['created', (left, right) => compareTimes(left.createdAt, right.createdAt)],
  ['updated', (left, right) => compareTimes(left.updatedAt, right.updatedAt)],
  ['usage', (left, right) => compareNumbers(left.usageBytes, right.usageBytes)],
  ['size', (left, right) => compareNumbers(left.sizeBytes, right.sizeBytes)],
  ['children', (left, right) => compareNumbers(left.children, right.children)],
]);

const COLUMNS: readonly Column[] = [
  { title: 'NAME', align: 'left', gives: 'shrinks' },
  { title: 'KIND', align: 'left', gives: 'never' },
  { title: 'USAGE', align: 'right', gives: 'never' },
  { title: 'SIZE', align: 'right', gives: 'goes' },
  { title: 'CHILDREN', align: 'right', gives: 'goes' },
  { title: 'AGE', align: 'right', gives: 'goes' },
  { title: 'PARENT', align: 'left', gives: 'shrinks' },
];

export const ls: Command = {
  kind: 'command',
  name: 'ls',
  summary: 'list snapshots: filter, sort, as a table or as JSON',
  about: "Lists snapshots. FILTER is containerd's filter language; of several, one must match.",
  options: [
    ...sortOptions(ORDERS),
    USAGE_OPTION,
    flagOption('quiet', 'names alone, one a line', 'q'),
    jsonOption('[{"name": ..., "parent": ..., "kind": ..., "usage_bytes": ..., "labels": {...}}, ...]'),
    ...DAEMON_OPTIONS,
  ],
  operands: [{ name: 'FILTER', count: 'any', completion: 'nothing' }],
  notes: [
    'Fields are name, parent, kind (active, view, committed) and labels."KEY"; operators are ==, !=, ~= (a regular expression) or none (it is there); a comma is AND.',
    'USAGE is what a snapshot added over its parent, SIZE that of its file system. A name with anything in it that a terminal would act on stands in double quotes, escaped as in JSON. On a terminal long names are cut; elsewhere nothing is.',
  ],
  examples: [
    'thinsnap ls',
    'thinsnap ls kind==active --usage --sort usage --reverse',
    'thinsnap ls \'labels."containerd.io/gc.root"\' kind==view',
    'thinsnap ls \'name~="^k8s.io/",kind==committed\' --quiet',
    "thinsnap ls --json | jq '[.[].usage_bytes] | add'",
  ],
  run: async (found, writer) => {
    const compare = parseOrder(found, ORDERS);
    const json = found.switches.has('json');
    const wish = { filters: found.operands, withLabels: json, withUsage: found.switches.has('usage') };
    const snapshots = await withDaemon(found, (client) => listSnapshots(client, wish, writer));
    snapshots.sort(compare);
    if (json) writer.out(showJson(snapshots.map(snapshotJson), 'pretty'));
    else writer.out(lines(snapshots, found, writer).join(''));
    return EXIT_OK;
  },
};

function lines(snapshots: readonly Snapshot[], { switches }: Arguments, writer: Writer): string[] {
  if (switches.has('quiet')) return snapshots.map(({ name }) => `${showKey(name, writer)}\n`);
  const nowMs = Date.now();
  const rows = snapshots.map((snapshot) => [
    showKey(snapshot.name, writer),
    kindWord(snapshot.kind),
    showBytes(snapshot.usageBytes),
    showBytes(snapshot.sizeBytes),
    String(snapshot.children),
    showAge(snapshot.createdAt, nowMs),
    snapshot.parent === '' ? '-' : showKey(snapshot.parent, writer),
  ]);
  const [title = '', ...rest] = tableLines(COLUMNS, rows, writer);
  return [writer.paint('strong', title), ...rest].map((line) => `${line}\n`);
}

function compareTimes(left: Snapshot['createdAt'], right: Snapshot['createdAt']): number {
  if (left === undefined || right === undefined) return Number(left !== undefined) - Number(right !== undefined);
  return toMs(left) - toMs(right) || left.nanos - right.nanos;
}
