// The description of a pool: one small TOML file, /etc/thinsnap/pools/NAME.toml. `pool create` writes it, everything else
// reads it: `pool activate`, the daemon that brings its pool back after a reboot, whoever extends it. It is written before
// the first step of a creation, and marked complete after the last, so that `pool remove` can clear away what a crash left.

import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { FaultError, toFault } from '../../shared/faults.ts';
import {
  BLOCK_BYTES_MAX,
  BLOCK_STEP_BYTES,
  lvmDeviceName,
  POOL_FEATURES,
  type PoolMakeup,
  type PoolRef,
} from '../../shared/pool-makeup.ts';
import { formatSizeExactly, parseSize } from '../../shared/sizes.ts';
import { toBytes, toSectors } from '../../shared/units.ts';
import {
  AUTOEXTEND_PERCENT_MAX,
  type Autoextend,
  THRESHOLD_PERCENT_MAX,
  THRESHOLD_PERCENT_MIN,
} from '../config/autoextend.ts';
import { parseToml } from '../config/parse-toml.ts';
import { printable } from '../config/problems.ts';
import { readConfigFile } from '../config/read-file.ts';
import { readPoolName } from '../config/read-values.ts';
import { isMissing, syncPath, writeWhole } from '../durable-file.ts';

export interface PoolDescription extends PoolRef {
  readonly autoextend: Autoextend;
  /** What `pool create` made for it and `pool remove` takes away again, besides the pool itself: a directory, disks of LVM's. */
  readonly made: readonly string[];
  /** False while it is being made. */
  readonly complete: boolean;
}

export const AUTOEXTEND_OFF: Autoextend = { thresholdPercent: 100, percent: 20 };

const SUFFIX = '.toml';
/** What every tool can be given: exec.ts refuses other characters. */
export const TOOL_PATH = /^\/[A-Za-z0-9_./:=,+@%-]+$/;
/** lvm(8), VALID NAMES. */
export const LVM_NAME = /^[A-Za-z0-9_+.][A-Za-z0-9_+.-]*$/;

const path = v.pipe(
  v.string(),
  v.regex(TOOL_PATH, 'must be an absolute path of letters, digits and _ . / : = , + @ % -'),
);
const lvmName = v.pipe(v.string(), v.regex(LVM_NAME, 'must be a name of LVM’s'));
const whole = (min: number, max: number) =>
  v.pipe(v.bigint(), v.minValue(BigInt(min)), v.maxValue(BigInt(max)), v.transform(Number));
const common = {
  autoextend_threshold: whole(THRESHOLD_PERCENT_MIN, THRESHOLD_PERCENT_MAX),
  autoextend_percent: whole(1, AUTOEXTEND_PERCENT_MAX),
  made: v.array(path),
  complete: v.boolean(),
};
const traits = {
  uuid: v.pipe(v.string(), v.regex(/^thinsnap-pool-[0-9a-f]{32}$/, 'must be a uuid that thinsnap gave')),
  block_size: v.pipe(v.string(), v.transform(parseBlockSize)),
  features: v.array(v.picklist(POOL_FEATURES)),
};
const SCHEMA = v.variant('kind', [
  v.strictObject({ kind: v.literal('loop'), dir: path, ...traits, ...common }),
  v.strictObject({ kind: v.literal('raw'), data: path, metadata: path, ...traits, ...common }),
  v.strictObject({ kind: v.literal('lvm'), vg: lvmName, lv: lvmName, ...common }),
]);
type Read = v.InferOutput<typeof SCHEMA>;

/** Null when there is none of that name. */
export async function readDescription(directory: string, name: string): Promise<PoolDescription | null> {
  const file = fileOf(directory, name);
  if (!(await namesIn(directory)).includes(name)) return null;
  const source = await readConfigFile(file);
  try {
    return toDescription(name, v.parse(SCHEMA, parseToml(source)));
  } catch (error) {
    throw new FaultError('invalid', `Cannot use the description of pool ${name}, ${file}: ${mistakeOf(error)}`, {
      cause: error,
    });
  }
}

function mistakeOf(error: unknown): string {
  if (!(error instanceof v.ValiError)) return toFault(error).message;
  const issues: readonly v.BaseIssue<unknown>[] = error.issues;
  const [issue] = issues;
  const key = issue === undefined ? null : v.getDotPath(issue);
  return printable(`${key === null ? '' : `${key}: `}${error.message}`);
}

/** The names of all pools that have one, sorted. */
export async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(directory);
    return entries
      .filter((entry) => entry.endsWith(SUFFIX))
      .map((entry) => entry.slice(0, -SUFFIX.length))
      .filter((name) => name !== '' && readPoolName(name).ok)
      .sort();
  } catch (error) {
    if (isMissing(error)) return [];
    throw new FaultError('io', `Cannot read ${directory}: ${String(error)}`, { cause: error });
  }
}

/** Whole or not at all, and durable. */
export async function writeDescription(directory: string, description: PoolDescription): Promise<void> {
  const file = fileOf(directory, description.name);
  try {
    await mkdir(directory, { recursive: true, mode: 0o755 });
    await writeWhole(file, (partial) => writeFile(partial, toToml(description), { mode: 0o644 }));
  } catch (error) {
    throw new FaultError('io', `Cannot write ${file}: ${String(error)}`, { cause: error });
  }
}

export async function removeDescription(directory: string, name: string): Promise<void> {
  const file = fileOf(directory, name);
  await rm(file, { force: true });
  await syncPath(dirname(file));
}

export function fileOf(directory: string, name: string): string {
  return join(directory, `${name}${SUFFIX}`);
}

/** What a crash in the middle of `pool create` left is no pool. */
export function refuseIncomplete({ name, complete }: PoolDescription): void {
  if (complete) return;
  const advice = `Run "thinsnap pool remove ${name}", and make it again`;
  throw new FaultError('precondition', `Cannot use pool ${name}: its creation did not end. ${advice}`);
}

function toDescription(name: string, read: Read): PoolDescription {
  const makeup = toMakeup(read);
  if (makeup.kind === 'lvm' && lvmDeviceName(makeup.vg, makeup.lv) !== name) {
    const own = lvmDeviceName(makeup.vg, makeup.lv);
    throw new FaultError('invalid', `Cannot use the description of pool ${name}: ${makeup.vg}/${makeup.lv} is ${own}`);
  }
  return {
    name,
    makeup,
    autoextend: { thresholdPercent: read.autoextend_threshold, percent: read.autoextend_percent },
    made: read.made,
    complete: read.complete,
  };
}

function toMakeup(read: Read): PoolMakeup {
  switch (read.kind) {
    case 'lvm':
      return { kind: 'lvm', vg: read.vg, lv: read.lv };
    case 'loop':
      return { kind: 'loop', dir: read.dir, uuid: read.uuid, blockSectors: read.block_size, features: read.features };
    case 'raw': {
      const { uuid, block_size: blockSectors, features } = read;
      return { kind: 'raw', dataPath: read.data, metadataPath: read.metadata, uuid, blockSectors, features };
    }
  }
}

function toToml({ makeup, autoextend, made, complete }: PoolDescription): string {
  const keys: readonly (readonly [string, unknown])[] = [
    ['kind', makeup.kind],
    ...keysOf(makeup),
    ['autoextend_threshold', autoextend.thresholdPercent],
    ['autoextend_percent', autoextend.percent],
    ['made', made],
    ['complete', complete],
  ];
  // JSON's texts, numbers, booleans and lists of texts are TOML's too.
  const lines = keys.map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`);
  return `# Written by "thinsnap pool create". thinsnapd reads it to bring the pool back after a reboot.\n${lines.join('')}`;
}

function keysOf(makeup: PoolMakeup): readonly (readonly [string, unknown])[] {
  if (makeup.kind === 'lvm') {
    return [
      ['vg', makeup.vg],
      ['lv', makeup.lv],
    ];
  }
  const own = [
    ['uuid', makeup.uuid],
    ['block_size', formatSizeExactly(toBytes(makeup.blockSectors))],
    ['features', makeup.features],
  ] as const;
  if (makeup.kind === 'loop') return [['dir', makeup.dir], ...own];
  return [['data', makeup.dataPath], ['metadata', makeup.metadataPath], ...own];
}

/** Fault `invalid` for what no pool's blocks can be. */
export function parseBlockSize(text: string): ReturnType<typeof toSectors> {
  const bytes = parseSize(text);
  if (bytes >= BLOCK_STEP_BYTES && bytes <= BLOCK_BYTES_MAX && bytes % BLOCK_STEP_BYTES === 0) return toSectors(bytes);
  throw new FaultError('invalid', `Cannot use blocks of ${text}: must be 64KiB to 1GiB in steps of 64KiB`);
}
