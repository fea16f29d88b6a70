// `thinsnap tree`: parents with their children below them, and what each of them added.

import type { Snapshot } from '../../rpc/gen/thinsnap/admin/v1/admin_pb.ts';
import { type Command, CommandError, EXIT_NOT_FOUND, EXIT_OK } from '../command.ts';
import { listSnapshots } from '../daemon/list-snapshots.ts';
import { snapshotJson } from '../daemon/to-json.ts';
import { withDaemon } from '../daemon/with-daemon.ts';
import { kindWord } from '../daemon/words.ts';
import { DAEMON_OPTIONS, jsonOption, KEY_OPTIONS, parseKey, USAGE_OPTION } from '../options.ts';
import { showBytes, showJson } from '../show/format.ts';
import { type Column, tableLines } from '../show/layout.ts';
import { showKey } from '../show/plain-text.ts';
import { type TreeNode, treeNodes } from '../show/tree-lines.ts';
import type { Writer } from '../writer.ts';

const COLUMNS: readonly Column[] = [
  { title: 'NAME', align: 'left', gives: 'shrinks' },
  { title: 'KIND', align: 'left', gives: 'never' },
  { title: 'USAGE', align: 'right', gives: 'never' },
  { title: 'WITH PARENTS', align: 'right', gives: 'goes' },
];

/** A step to the right is 3 columns: steps may take three eighths of the screen. */
const COLUMNS_PER_STEP = 8;

export const tree: Command = {
  kind: 'command',
  name: 'tree',
  summary: 'show parents and children, with what each added',
  about: 'Shows snapshots as a tree, or the one named KEY with everything below it.',
  options: [
    USAGE_OPTION,
    ...KEY_OPTIONS,
    jsonOption('as "ls --json", in the order of the tree, each with its "depth" and "with_parents_bytes"'),
    ...DAEMON_OPTIONS,
  ],
  operands: [{ name: 'KEY', count: 'at most one', completion: 'key' }],
  notes: [
    'An arrow stands before the only child of the line above it. USAGE is what a snapshot added over its parent; WITH PARENTS is that and the same of all its parents, as far as it is known.',
  ],
  examples: ['thinsnap tree', 'thinsnap tree sha256:b5a306d0... --usage'],
  run: async (found, writer) => {
    const root = parseKey(found);
    const json = found.switches.has('json');
    const wish = { filters: [], withLabels: json, withUsage: found.switches.has('usage') };
    const snapshots = await withDaemon(found, (client) => listSnapshots(client, wish, writer));
    const { unicode, screen } = writer;
    const stepsMax = screen === null ? Number.POSITIVE_INFINITY : Math.floor(screen.columns / COLUMNS_PER_STEP);
    const nodes = treeNodes(snapshots, { root, unicode, stepsMax });
    if (root !== null && nodes.length === 0) {
      const message = `Cannot show ${showKey(root, writer)}: there is no snapshot of that name`;
      throw new CommandError(EXIT_NOT_FOUND, 'not-found', message);
    }
    const sums = sumWithParents(snapshots);
    writer.out(
      json
        ? showJson(
            nodes.map((node) => nodeJson(node, sums)),
            'pretty',
          )
        : lines(nodes, sums, writer),
    );
    return EXIT_OK;
  },
};

type Sums = ReadonlyMap<string, bigint>;

/** Of each snapshot: its own usage and its parents'; what is not known counts nothing. */
function sumWithParents(snapshots: readonly Snapshot[]): Sums {
  const byName = new Map(snapshots.map((snapshot) => [snapshot.name, snapshot]));
  const sums = new Map<string, bigint>();
  for (const snapshot of snapshots) {
    const open: Snapshot[] = [];
    let current: Snapshot | undefined = snapshot;
    while (current !== undefined && !sums.has(current.name)) {
      open.push(current);
      current = byName.get(current.parent);
    }
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      sums.set(next.name, (sums.get(next.parent) ?? 0n) + (next.usageBytes ?? 0n));
    }
  }
  return sums;
}

function nodeJson({ snapshot, depth }: TreeNode, sums: Sums): unknown {
  return { ...snapshotJson(snapshot), depth, with_parents_bytes: Number(sums.get(snapshot.name) ?? 0n) };
}

function lines(nodes: readonly TreeNode[], sums: Sums, writer: Writer): string {
  const rows = nodes.map(({ snapshot, prefix }) => [
    { lead: prefix, text: showKey(snapshot.name, writer) },
    kindWord(snapshot.kind),
    showBytes(snapshot.usageBytes),
    showBytes(sums.get(snapshot.name)),
  ]);
  const [title = '', ...rest] = tableLines(COLUMNS, rows, writer);
  return [writer.paint('strong', title), ...rest].map((line) => `${line}\n`).join('');
}
