// `thinsnap status` for people: what is wrong first, then everything in one column of names.

import type * as pb from '../../rpc/gen/thinsnap/admin/v1/admin_pb.ts';
import { healthWord, modeWord } from '../daemon/words.ts';
import type { Style, Writer } from '../writer.ts';
import { showAge, showBar, showBytes, showCount } from './format.ts';
import { foldLine, type Pair, pairLines } from './layout.ts';
import { plainLine } from './plain-text.ts';

type Screen = Pick<Writer, 'screen' | 'unicode' | 'paint'>;

const STYLES = new Map<string, Style>([
  ['ok', 'good'],
  ['warning', 'warning'],
  ['error', 'bad'],
]);

const INDENT = '  ';

export function statusLines(status: pb.StatusResponse, screen: Screen, nowMs: number): string[] {
  return [
    ...healthLines(status, screen),
    '',
    ...section(screen, daemonPairs(status, nowMs)),
    '',
    ...section(screen, volumePairs(status)),
    '',
    ...spaceLines(status, screen),
    '',
    ...section(screen, countPairs(status)),
  ];
}

function section(screen: Screen, pairs: readonly Pair[]): string[] {
  const safe = pairs.map(({ name, value }) => ({ name: name.padEnd(NAME_CHARS), value: plainLine(value, screen) }));
  return pairLines(safe, screen);
}

/** Of the longest name, so that all sections line up. */
const NAME_CHARS = 'Metadata space'.length;

function healthLines({ health, problems }: pb.StatusResponse, screen: Screen): string[] {
  const word = healthWord(health);
  const lines = [`${'Health'.padEnd(NAME_CHARS)}  ${screen.paint(STYLES.get(word) ?? 'strong', word)}`];
  for (const { severity, found, advice } of problems) {
    const style = STYLES.get(healthWord(severity)) ?? 'strong';
    const folded = foldLine(plainLine(found, screen), screen, INDENT.length);
    lines.push('', ...folded.map((line) => INDENT + screen.paint(style, line)));
    lines.push(
      ...foldLine(`What to do: ${plainLine(advice, screen)}`, screen, INDENT.length).map((line) => INDENT + line),
    );
  }
  return lines;
}

function daemonPairs({ daemon }: pb.StatusResponse, nowMs: number): Pair[] {
  if (daemon === undefined) return [];
  const { version, pid, startedAt, nodeVersion, memoryBytes } = daemon;
  return [
    { name: 'Daemon', value: `thinsnapd ${version}, up ${showAge(startedAt, nowMs)}, process ${pid}` },
    { name: 'Node.js', value: `${nodeVersion}, ${showBytes(memoryBytes)} of memory` },
    { name: 'State in', value: daemon.rootPath },
    { name: 'Socket', value: daemon.address },
    { name: 'Admin socket', value: daemon.adminAddress },
  ];
}

function volumePairs({ volumes, newSnapshots }: pb.StatusResponse): Pair[] {
  const pairs: Pair[] = [{ name: 'Volumes', value: volumes?.description ?? '-' }];
  const { case: kind, value } = volumes?.kind ?? { case: undefined, value: undefined };
  if (kind === 'thinPool') {
    const check = value.needsCheck ? ', needs a check' : '';
    pairs.push(
      { name: 'Pool', value: `${value.name}, ${modeWord(value.mode)}${check}` },
      ...extensionPairs(value.extension),
      { name: 'Block size', value: showBytes(value.blockBytes) },
      { name: 'Transaction id', value: String(value.transactionId) },
      { name: 'Engine', value: value.engine },
      { name: 'Driver version', value: value.driverVersion },
      { name: 'Library', value: value.engine === 'ioctl' ? 'none: libdm is not used' : "dmsetup's own" },
    );
  } else if (kind === 'blockfile') {
    pairs.push({ name: 'Directory', value: value.directory });
  }
  if (newSnapshots === undefined) return pairs;
  const { asyncRemove, discardBlocks, fsOptions, mountOptions } = newSnapshots;
  pairs.push(
    { name: 'Base size', value: showBytes(newSnapshots.sizeBytes) },
    { name: 'File system', value: [newSnapshots.fsType, ...fsOptions].join(' ') },
  );
  if (mountOptions.length > 0) pairs.push({ name: 'Mount options', value: mountOptions.join(',') });
  const removal = asyncRemove ? 'answered at once' : 'answered when it was tried once';
  const discard = discardBlocks ? ', blocks are discarded' : '';
  pairs.push({ name: 'Removal', value: `${removal}, deferred while busy${discard}` });
  return pairs;
}

function extensionPairs(extension: pb.Extension | undefined): Pair[] {
  if (extension === undefined) return [];
  const { madeOf, parts, lastFailure } = extension;
  const pairs: Pair[] = [{ name: 'Made of', value: madeOf === '' ? 'unknown' : `${madeOf}: ${parts.join(', ')}` }];
  pairs.push({ name: 'Extension', value: extensionText(extension) });
  if (lastFailure !== '') pairs.push({ name: 'Last failure', value: lastFailure });
  return pairs;
}

function extensionText({ madeOf, thresholdPercent, percent, times }: pb.Extension): string {
  if (thresholdPercent === undefined) {
    return madeOf === 'raw' ? 'none: a raw pool is as large as its devices' : 'none: whoever made the pool extends it';
  }
  if (thresholdPercent >= 100) return 'off';
  const done = times === 1n ? 'once' : `${times} times`;
  return `by ${percent}% at ${thresholdPercent}% of use; ${times === 0n ? 'not needed' : `done ${done}`} since the start`;
}

function spaceLines({ data, metadata, minFreeSpace }: pb.StatusResponse, screen: Screen): string[] {
  const lines: string[] = [];
  for (const [name, space] of [
    ['Data space', data],
    ['Metadata space', metadata],
  ] as const) {
    if (space === undefined) continue;
    const { usedBytes, totalBytes, availableBytes, reserveBytes } = space;
    const bar = showBar(Number(usedBytes), Number(totalBytes), screen.unicode);
    const style = availableBytes < reserveBytes ? 'bad' : 'good';
    const sizes = `${showBytes(usedBytes)} of ${showBytes(totalBytes)} used, ${showBytes(availableBytes)} available`;
    lines.push(`${name.padEnd(NAME_CHARS)}  ${screen.paint(style, bar)}`);
    lines.push(...pairLines([{ name: ' '.repeat(NAME_CHARS), value: sizes }], screen));
  }
  const kept = [data, metadata]
    .filter((space) => space !== undefined)
    .map(({ reserveBytes }) => showBytes(reserveBytes));
  const [ofData = '-', ofMetadata] = kept;
  const value = `${minFreeSpace}: ${ofData} of data${ofMetadata === undefined ? '' : `, ${ofMetadata} of metadata`}`;
  return [...lines, ...section(screen, [{ name: 'Min free space', value }])];
}

function countPairs({ snapshots, devices, standby, reaper }: pb.StatusResponse): Pair[] {
  const { committed = 0n, active = 0n, views = 0n } = snapshots ?? {};
  const queue = reaper?.queue ?? 0n;
  return [
    {
      name: 'Snapshots',
      value: `${committed + active + views}: ${committed} committed, ${active} active, ${showCount(views, 'view')}`,
    },
    { name: 'Devices', value: devicesText(devices) },
    { name: 'Standby', value: standbyText(standby) },
    {
      name: 'Reaper',
      value: queue === 0n ? 'nothing waits' : `${showCount(queue, 'device')} to be deactivated or deleted`,
    },
  ];
}

function devicesText(devices: pb.DeviceCounts | undefined): string {
  const { total = 0n, bases = 0n, states = [] } = devices ?? {};
  if (total === 0n) return '0';
  const counts = states.map(({ state, count }) => `${count} ${state}`).join(', ');
  return `${total}: ${counts}; ${showCount(bases, 'base')} among them`;
}

function standbyText(standby: pb.Standby | undefined): string {
  if (standby === undefined || standby.totalLimit === 0n) return 'off';
  const { ready, wanted, parentLimit, totalLimit, hits, misses } = standby;
  return `${ready} of ${wanted} ready (at most ${parentLimit} for a parent, ${totalLimit} in all); ${hits} handed out, ${misses} made on demand`;
}
