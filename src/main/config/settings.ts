// The list of all settings: name, default, how it is read and how it is written back. A new setting is a line in
// `Config` and one here; forget the second and it does not compile.

import { formatSizeExactly } from '../../shared/sizes.ts';
import { FS_TYPES } from '../../shared/tasks.ts';
import { GIB, parseBytes } from '../../shared/units.ts';
import {
  AUTOEXTEND_DEFAULT,
  AUTOEXTEND_PERCENT_MAX,
  THRESHOLD_PERCENT_MAX,
  THRESHOLD_PERCENT_MIN,
} from './autoextend.ts';
import { type Config, ENGINE_CHOICES, LOG_LEVELS, type MinFreeSpace, SOCKET_MODES, VOLUME_CHOICES } from './config.ts';
import {
  type Reader,
  readAddress,
  readBoolean,
  readCount,
  readFsOptions,
  readGroup,
  readMinFreeSpace,
  readMountOptions,
  readOneOf,
  readPath,
  readPoolName,
  readSize,
  readWhole,
} from './read-values.ts';

const WORKERS_MAX = 256;
/** Seconds: what waits longer has another reason than a slow disk. */
const DEVICE_WAIT_MAX = 3600;
/** Each is an active device of the kernel's, some tens of KiB of its memory. */
const STANDBY_MAX = 4096;
/** What the kernel's own file takes. */
const RETRIES_MAX = 2 ** 31 - 1;

/** What a value looks like in TOML and JSON. */
export type Written = string | number | boolean | readonly string[];

export type Field = keyof Config;

export interface Setting<Value> {
  /** The key in a file. */
  readonly key: string;
  readonly fallback: Value;
  readonly read: Reader<Value>;
  /** `read` gives the same value back from it. */
  readonly write: (value: Value) => Written;
}

export const SETTINGS: { readonly [Name in Field]: Setting<Config[Name]> } = {
  rootPath: { key: 'root_path', fallback: '/var/lib/thinsnap', read: readPath, write: asIs },
  address: { key: 'address', fallback: '/run/thinsnap/thinsnap.sock', read: readAddress, write: asIs },
  adminAddress: { key: 'admin_address', fallback: '/run/thinsnap/admin.sock', read: readAddress, write: asIs },
  socketMode: { key: 'socket_mode', fallback: '0600', read: readOneOf(SOCKET_MODES), write: asIs },
  socketGroup: { key: 'socket_group', fallback: null, read: readGroup, write: (group) => group ?? '' },
  logLevel: { key: 'log_level', fallback: 'info', read: readOneOf(LOG_LEVELS), write: asIs },
  volumes: { key: 'volumes', fallback: 'auto', read: readOneOf(VOLUME_CHOICES), write: asIs },
  poolName: { key: 'pool_name', fallback: null, read: readPoolName, write: (name) => name ?? '' },
  poolDirectory: { key: 'pool_directory', fallback: '/etc/thinsnap/pools', read: readPath, write: asIs },
  deviceWaitSeconds: { key: 'device_wait', fallback: 60, read: readCount(DEVICE_WAIT_MAX), write: asIs },
  engine: { key: 'engine', fallback: 'auto', read: readOneOf(ENGINE_CHOICES), write: asIs },
  workers: { key: 'workers', fallback: 0, read: readCount(WORKERS_MAX), write: asIs },
  baseImageSize: { key: 'base_image_size', fallback: parseBytes(10 * GIB), read: readSize, write: formatSizeExactly },
  fsType: { key: 'fs_type', fallback: 'ext4', read: readOneOf(FS_TYPES), write: asIs },
  fsOptions: { key: 'fs_options', fallback: [], read: readFsOptions, write: (words) => words.join(' ') },
  mountOptions: { key: 'mount_options', fallback: [], read: readMountOptions, write: asIs },
  asyncRemove: { key: 'async_remove', fallback: false, read: readBoolean, write: asIs },
  discardBlocks: { key: 'discard_blocks', fallback: false, read: readBoolean, write: asIs },
  minFreeSpace: {
    key: 'min_free_space',
    fallback: { kind: 'percent', percent: 10 },
    read: readMinFreeSpace,
    write: writeMinFreeSpace,
  },
  autoextendThreshold: {
    key: 'autoextend_threshold',
    fallback: AUTOEXTEND_DEFAULT.thresholdPercent,
    read: readWhole(THRESHOLD_PERCENT_MIN, THRESHOLD_PERCENT_MAX),
    write: asIs,
  },
  autoextendPercent: {
    key: 'autoextend_percent',
    fallback: AUTOEXTEND_DEFAULT.percent,
    read: readWhole(1, AUTOEXTEND_PERCENT_MAX),
    write: asIs,
  },
  xfsNospaceMaxRetries: {
    key: 'xfs_nospace_max_retries',
    fallback: 0,
    read: readCount(RETRIES_MAX),
    write: asIs,
  },
  standbyPerParent: { key: 'standby_per_parent', fallback: 64, read: readCount(STANDBY_MAX), write: asIs },
  standbyTotal: { key: 'standby_total', fallback: 256, read: readCount(STANDBY_MAX), write: asIs },
};

/** Every field, in the order in which people read them. */
export const FIELDS: readonly Field[] = Object.keys(SETTINGS).filter(isField);

export const KEYS: readonly string[] = FIELDS.map((field) => SETTINGS[field].key);

export function fieldOfKey(key: string): Field | null {
  return FIELDS.find((field) => SETTINGS[field].key === key) ?? null;
}

export function writeField<Name extends Field>(field: Name, value: Config[Name]): Written {
  return SETTINGS[field].write(value);
}

function isField(name: string): name is Field {
  return Object.hasOwn(SETTINGS, name);
}

function asIs<Value extends Written>(value: Value): Value {
  return value;
}

function writeMinFreeSpace(space: MinFreeSpace): string {
  return space.kind === 'percent' ? `${space.percent}%` : formatSizeExactly(space.bytes);
}
