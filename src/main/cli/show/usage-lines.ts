// `thinsnap usage` for people: a table of the snapshots, and below it where the storage went.

import type * as pb from '../../rpc/gen/thinsnap/admin/v1/admin_pb.ts';
import { kindWord } from '../daemon/words.ts';
import type { Writer } from '../writer.ts';
import { showBytes } from './format.ts';
import { type Column, type Pair, pairLines, tableLines } from './layout.ts';
import { plainLine, showKey } from './plain-text.ts';

type Screen = Pick<Writer, 'screen' | 'unicode' | 'paint'>;

const COLUMNS: readonly Column[] = [
  { title: 'NAME', align: 'left', gives: 'shrinks' },
  { title: 'KIND', align: 'left', gives: 'goes' },
  { title: 'EXCLUSIVE', align: 'right', gives: 'never' },
  { title: 'SHARED', align: 'right', gives: 'never' },
  { title: 'REFERENCED', align: 'right', gives: 'goes' },
  { title: 'PROVISIONED', align: 'right', gives: 'goes' },
  { title: 'FREES', align: 'right', gives: 'never' },
];

export function usageLines(snapshots: readonly pb.SnapshotUsage[], totals: pb.UsageTotals, screen: Screen): string[] {
  const rows = snapshots.map((snapshot) => [
    showKey(snapshot.name, screen),
    kindWord(snapshot.kind),
    showBytes(snapshot.exclusiveBytes),
    showBytes(sharedOf(snapshot)),
    showBytes(snapshot.referencedBytes),
    showBytes(snapshot.provisionedBytes),
    freesText(snapshot),
  ]);
  const [title = '', ...rest] = tableLines(COLUMNS, rows, screen);
  return [screen.paint('strong', title), ...rest, '', ...pairLines(totalPairs(totals, screen), screen)];
}

/** What others map too; undefined where it is not known. */
export function sharedOf({ referencedBytes, exclusiveBytes }: pb.SnapshotUsage): bigint | undefined {
  return referencedBytes === undefined || exclusiveBytes === undefined ? undefined : referencedBytes - exclusiveBytes;
}

function freesText({ freesBytes, standby }: pb.SnapshotUsage): string {
  return `${freesBytes !== undefined && standby > 0n ? '>=' : ''}${showBytes(freesBytes)}`;
}

function totalPairs(totals: pb.UsageTotals, screen: Screen): Pair[] {
  const groups: readonly (readonly [string, pb.UsageGroup | undefined])[] = [
    ['Snapshots', totals.snapshots],
    ['Stand ready', totals.standby],
    ['Bases', totals.bases],
    ['Not yet gone', totals.passing],
    ['Others', totals.others],
  ];
  const pairs = groups
    // What nobody has need not be read.
    .filter(([name, group]) => name === 'Snapshots' || (group?.count ?? 0n) > 0n)
    .map(([name, group]) => ({ name, value: groupText(group) }));
  pairs.push({ name: 'Views', value: `${totals.views?.count ?? 0n}: they use their parents' devices` });
  if (totals.usedBytes !== undefined) {
    const shared = `${showBytes(totals.sharedBytes)} of that in more than one`;
    pairs.push({ name: 'Used', value: `${showBytes(totals.usedBytes)}, each block once; ${shared}` });
  }
  if (totals.omitted !== '') pairs.push({ name: 'Not known', value: plainLine(totals.omitted, screen) });
  return pairs;
}

function groupText(group: pb.UsageGroup | undefined): string {
  const { count = 0n, exclusiveBytes, referencedBytes, provisionedBytes = 0n } = group ?? {};
  const sizes = `${showBytes(exclusiveBytes)} exclusive, ${showBytes(referencedBytes)} referenced`;
  return `${count}: ${sizes}${provisionedBytes === 0n ? '' : `, ${showBytes(provisionedBytes)} provisioned`}`;
}
