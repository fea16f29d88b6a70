// `thinsnap inspect` for people: one snapshot, its device, its family and its labels.

import type * as pb from '../../rpc/gen/thinsnap/admin/v1/admin_pb.ts';
import { activityWord, kindWord } from '../daemon/words.ts';
import type { Writer } from '../writer.ts';
import { showAge, showBytes, toRfc3339 } from './format.ts';
import { foldLine, type Pair, pairLines } from './layout.ts';
import { showKey } from './plain-text.ts';

type Screen = Pick<Writer, 'screen' | 'unicode' | 'paint'>;

const INDENT = '  ';
/** Names of a list that are shown; --json has more. */
const NAMES_SHOWN_MAX = 20;

export function inspectLines(answer: pb.InspectResponse, screen: Screen, nowMs: number): string[] {
  const { snapshot, device, ancestors, children } = answer;
  if (snapshot === undefined || device === undefined) return [];
  return [
    ...pairLines(
      [...snapshotPairs(snapshot, screen, nowMs), ...mountPairs(answer, screen), ...devicePairs(device)],
      screen,
    ),
    ...names('Parents', ancestors, { total: ancestors.length, screen }),
    ...names('Children', children, { total: Number(snapshot.children), screen }),
    ...labelLines(snapshot.labels, screen),
  ];
}

function snapshotPairs(snapshot: pb.Snapshot, screen: Screen, nowMs: number): Pair[] {
  const { createdAt, updatedAt } = snapshot;
  const show = (time: pb.Snapshot['createdAt']): string => `${toRfc3339(time) ?? '-'} (${showAge(time, nowMs)} ago)`;
  return [
    { name: 'Name', value: showKey(snapshot.name, screen) },
    { name: 'Kind', value: kindWord(snapshot.kind) },
    { name: 'Parent', value: snapshot.parent === '' ? '-' : showKey(snapshot.parent, screen) },
    { name: 'Created', value: show(createdAt) },
    { name: 'Updated', value: show(updatedAt) },
    { name: 'Usage', value: exactBytes(snapshot.usageBytes) },
  ];
}

function mountPairs({ mount }: pb.InspectResponse, screen: Screen): Pair[] {
  if (mount === undefined) return [];
  const options = mount.options.map((option) => showKey(option, screen)).join(',');
  return [{ name: 'Mount', value: `-t ${mount.type} ${showKey(mount.source, screen)} -o ${options}` }];
}

function devicePairs(device: pb.Device): Pair[] {
  const place = device.thinId === undefined ? 'a file' : `thin id ${device.thinId}`;
  const origin = device.originId === undefined ? 'nothing' : `device ${device.originId}`;
  return [
    { name: 'Device', value: `${device.id}, ${place}, made of ${origin}` },
    { name: 'State', value: `${device.state}; in use by the kernel: ${activityWord(device.activity)}` },
    { name: 'File system', value: `${device.fsType} of ${exactBytes(device.sizeBytes)}` },
    {
      name: 'Mapped',
      value: `${exactBytes(device.mappedBytes)}, ${exactBytes(device.baselineBytes)} when it was made`,
    },
  ];
}

interface ListOptions {
  readonly total: number;
  readonly screen: Screen;
}

function names(title: string, list: readonly string[], { total, screen }: ListOptions): string[] {
  if (total === 0) return [];
  const shown = list.slice(0, NAMES_SHOWN_MAX).flatMap((name) => indented(showKey(name, screen), screen));
  const more = total - Math.min(list.length, NAMES_SHOWN_MAX);
  return [
    '',
    screen.paint('strong', `${title} (${total})`),
    ...shown,
    ...(more > 0 ? [`${INDENT}and ${more} more`] : []),
  ];
}

function labelLines(labels: Readonly<Record<string, string>>, screen: Screen): string[] {
  const entries = Object.entries(labels);
  if (entries.length === 0) return [];
  const shown = entries.flatMap(([key, value]) =>
    indented(`${showKey(key, screen)} = ${showKey(value, screen)}`, screen),
  );
  return ['', screen.paint('strong', `Labels (${entries.length})`), ...shown];
}

function indented(text: string, screen: Screen): string[] {
  return foldLine(text, screen, INDENT.length).map((line) => INDENT + line);
}

function exactBytes(bytes: bigint | undefined): string {
  return bytes === undefined ? '- (--usage asks the kernel)' : `${showBytes(bytes)} (${bytes} bytes)`;
}
