// What `thinsnap pool create` may be told, and what a command line means by it.

import { FaultError, isFault } from '../../../shared/faults.ts';
import { BLOCK_STEP_BYTES } from '../../../shared/pool-makeup.ts';
import { type Bytes, parseBytes, parseSectors, SECTOR_BYTES, type Sectors } from '../../../shared/units.ts';
import {
  AUTOEXTEND_DEFAULT,
  AUTOEXTEND_PERCENT_MAX,
  type Autoextend,
  THRESHOLD_PERCENT_MIN,
} from '../../config/autoextend.ts';
import { readPath } from '../../config/read-values.ts';
import { LVM_NAME, parseBlockSize, TOOL_PATH } from '../../pools/description.ts';
import { type Amount, parseAmount, parseOptionSize } from '../../pools/sizes.ts';
import { type Arguments, type Completion, type Option, UsageError } from '../arguments.ts';
import { flagOption } from '../options.ts';
import { checkedName, usable } from './pool-session.ts';

export const WAIT_SECONDS_MAX = 3600;
const DEFAULT_NAME = 'thinsnap';
const DEFAULT_LV = 'pool';

export const CREATE_OPTIONS: readonly Option[] = [
  valued(['loop', 'DIR', 'on two sparse files in DIR, which is made'], 'directory'),
  valued(
    ['device', 'DEV[,DEV...]', 'as a thin pool of LVM on these disks or partitions, which are taken whole'],
    'file',
  ),
  valued(['data-device', 'DEV', 'without LVM: DEV for data, with --metadata-device'], 'file'),
  valued(['metadata-device', 'DEV', 'without LVM: DEV for metadata, with --data-device'], 'file'),
  valued(['name', 'NAME', `name of the pool; of an LVM pool, of its volume (default ${DEFAULT_NAME}; ${DEFAULT_LV})`]),
  valued(['vg', 'VG', 'volume group to make on --device (default thinsnap), or one there is, without --device']),
  valued([
    'data-size',
    'SIZE',
    'for data: a size, or a share of the room (default: of LVM 95%, of a loop pool 90%, at most 100GB)',
  ]),
  valued([
    'metadata-size',
    'SIZE',
    'for metadata: a size, or a share (default: of LVM 1%, else by the size of the data)',
  ]),
  valued(['min-data-size', 'SIZE', 'make no pool that has less for data (default 256MiB)']),
  valued(['block-size', 'SIZE', 'blocks of 64KiB to 1GiB, fixed for its life (default 64KiB)']),
  valued(['autoextend-threshold', 'PERCENT', 'extend at this use, 50 to 100; 100: never (default 80)']),
  valued(['autoextend-percent', 'PERCENT', 'by so much of its size (default 20)']),
  valued(['wait', 'SECONDS', 'wait so long for devices that are not there yet (default 0)']),
  flagOption('force', 'destroy what the devices hold; of a loop pool: larger than the file system'),
  flagOption('dry-run', 'print the commands, and do nothing'),
  flagOption('yes', 'do not ask', 'y'),
];

export type Where =
  | { readonly kind: 'loop'; readonly dir: string; readonly name: string }
  | { readonly kind: 'raw'; readonly data: string; readonly metadata: string; readonly name: string }
  /** No paths: the group is there. */
  | { readonly kind: 'lvm'; readonly vg: string; readonly lv: string; readonly paths: readonly string[] };

export interface CreateWish {
  readonly where: Where;
  /** Null: by default. */
  readonly dataSize: Amount | null;
  readonly metadataSize: Amount | null;
  readonly minDataBytes: Bytes;
  readonly blockSectors: Sectors;
  readonly autoextend: Autoextend;
  readonly waitSeconds: number;
  readonly force: boolean;
}

export function parseCreate({ values, switches }: Arguments): CreateWish {
  return asUsage(() => ({
    where: parseWhere(values),
    dataSize: optional(values.get('data-size'), (text) => parseAmount('--data-size', text)),
    metadataSize: optional(values.get('metadata-size'), (text) => parseAmount('--metadata-size', text)),
    minDataBytes:
      optional(values.get('min-data-size'), (text) => parseOptionSize('--min-data-size', text)) ?? parseBytes(0),
    blockSectors: optional(values.get('block-size'), parseBlockSize) ?? parseSectors(BLOCK_STEP_BYTES / SECTOR_BYTES),
    autoextend: {
      thresholdPercent:
        optional(values.get('autoextend-threshold'), wholeFrom('--autoextend-threshold', THRESHOLD_PERCENT_MIN, 100)) ??
        AUTOEXTEND_DEFAULT.thresholdPercent,
      percent:
        optional(values.get('autoextend-percent'), wholeFrom('--autoextend-percent', 1, AUTOEXTEND_PERCENT_MAX)) ??
        AUTOEXTEND_DEFAULT.percent,
    },
    waitSeconds: optional(values.get('wait'), wholeFrom('--wait', 0, WAIT_SECONDS_MAX)) ?? 0,
    force: switches.has('force'),
  }));
}

function parseWhere(values: Arguments['values']): Where {
  const [loop, device, vg] = [values.get('loop'), values.get('device'), values.get('vg')];
  const [data, metadata] = [values.get('data-device'), values.get('metadata-device')];
  const kinds = [loop, device ?? vg, data ?? metadata].filter((value) => value !== undefined);
  if (kinds.length !== 1) {
    throw new UsageError('One of --loop, --device (or --vg), --data-device with --metadata-device must be given');
  }
  const given = values.get('name');
  if (loop !== undefined)
    return { kind: 'loop', dir: toolPath('--loop', loop), name: checkedName(given ?? DEFAULT_NAME) };
  if (data !== undefined && metadata !== undefined) {
    refuseSizes(values, ['data-size', 'metadata-size', 'autoextend-threshold', 'autoextend-percent']);
    return {
      kind: 'raw',
      data: toolPath('--data-device', data),
      metadata: toolPath('--metadata-device', metadata),
      name: checkedName(given ?? DEFAULT_NAME),
    };
  }
  if (data !== undefined || metadata !== undefined) {
    throw new UsageError('--data-device and --metadata-device go together');
  }
  const paths = device === undefined ? [] : parsePaths('--device', device);
  return { kind: 'lvm', vg: lvmName('--vg', vg ?? DEFAULT_NAME), lv: lvmName('--name', given ?? DEFAULT_LV), paths };
}

function refuseSizes(values: Arguments['values'], names: readonly string[]): void {
  const given = names.find((name) => values.has(name));
  if (given !== undefined) throw new UsageError(`--${given} cannot be used with devices that are taken whole`);
}

/** Paths with commas between. */
export function parsePaths(option: string, text: string): readonly string[] {
  return text.split(',').map((path) => toolPath(option, path));
}

function toolPath(option: string, text: string): string {
  const path = usable(option, readPath(text));
  if (TOOL_PATH.test(path)) return path;
  throw new UsageError(`Cannot use ${option}: it may hold letters, digits and _ . / : = , + @ % - only`);
}

function lvmName(option: string, text: string): string {
  if (LVM_NAME.test(text) && text !== '.' && text !== '..' && text.length <= 60) return text;
  throw new UsageError(
    `Cannot use ${option} ${JSON.stringify(text)}: LVM's names are of letters, digits and _ . + - (at most 60)`,
  );
}

/** A reader of a whole number between the two. */
export function wholeFrom(option: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d{1,6}$/.test(text) && value >= min && value <= max) return value;
    throw new UsageError(`Cannot use ${option} ${JSON.stringify(text)}: must be a whole number from ${min} to ${max}`);
  };
}

function optional<Value>(text: string | undefined, read: (text: string) => Value): Value | null {
  return text === undefined ? null : read(text);
}

/** What cannot be read of a command line is a mistake of the command line. */
export function asUsage<Value>(read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    if (error instanceof FaultError && isFault(error, 'invalid')) throw new UsageError(error.message);
    throw error;
  }
}

function valued([name, value, help]: readonly [string, string, string], completion: Completion = 'nothing'): Option {
  return { name, short: null, value, help, completion };
}
