// Puts the configuration together: defaults, then a file, then flags; the last that gives a value wins. Everything that
// any of them says is checked, also what another one overrides, and all mistakes are thrown together.

import type { FsType } from '../../shared/tasks.ts';
import { type Bytes, GIB, MIB, parseBytes } from '../../shared/units.ts';
import { besideAddress } from './admin-address.ts';
import type { Config } from './config.ts';
import { type FileContents, type FileKind, type Given, readContents } from './file-kinds.ts';
import { parseToml } from './parse-toml.ts';
import { ConfigError, lineAndColumn, type Problem, printable, problemAt, type Where } from './problems.ts';
import { readConfigFile } from './read-file.ts';
import { showSize } from './read-values.ts';
import { FIELDS, type Field, SETTINGS } from './settings.ts';

/** What the command line says of the configuration; null: nothing. */
export interface Flags {
  readonly rootPath: string | null;
  readonly poolName: string | null;
  readonly address: string | null;
  readonly adminAddress: string | null;
  readonly logLevel: string | null;
}

export const NO_FLAGS: Flags = { rootPath: null, poolName: null, address: null, adminAddress: null, logLevel: null };

export interface ConfigSources {
  readonly file: string | null;
  readonly flags: Flags;
}

export interface LoadedConfig {
  readonly config: Config;
  /** Where each field's value came from: "default", "FILE:LINE", "--flag" or "beside address". It has all fields. */
  readonly origins: ReadonlyMap<Field, string>;
  /** Null when no file was given. */
  readonly fileKind: FileKind | null;
}

// Least: ext4 has a journal from 2 MiB on (mke2fs 1.47, tried), containerd's own tests use 16 MiB; mkfs.xfs refuses less
// than 300 MiB. Most: ext2 ends at 2^32 blocks of 4 KiB, and so does a file on ext4, which a blockfile volume is.
const SIZE_MIN: Record<FsType, Bytes> = {
  ext4: parseBytes(16 * MIB),
  ext2: parseBytes(16 * MIB),
  xfs: parseBytes(300 * MIB),
};
const SIZE_MAX = parseBytes(16 * 1024 * GIB);

/** What is found out while settings are read. `bad`: fields of which some source gave a value that cannot be used. */
interface Findings {
  readonly givens: readonly Given[];
  readonly problems: Problem[];
  readonly bad: Set<Field>;
}

/** Throws a ConfigError that holds every mistake of every source. */
export async function loadConfig(sources: ConfigSources): Promise<LoadedConfig> {
  const problems: Problem[] = [];
  const contents = sources.file === null ? null : await readFileContents(sources.file, problems);
  const givens = [...(contents?.givens ?? []), ...flagGivens(sources.flags)];
  const findings: Findings = { givens, problems, bad: new Set() };
  const config = withAdminAddress(readConfig(findings), findings);
  if (contents !== null) findMissing(contents, findings);
  findContradictions(config, findings);
  if (problems.length > 0) throw new ConfigError(problems.toSorted((left, right) => left.order - right.order));
  return { config, origins: originsOf(givens), fileKind: contents?.kind ?? null };
}

async function readFileContents(file: string, problems: Problem[]): Promise<FileContents | null> {
  try {
    const source = await readConfigFile(file);
    const contents = readContents(source, parseToml(source));
    problems.push(...contents.problems);
    return contents;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems);
    return null;
  }
}

function flagGivens(flags: Flags): readonly Given[] {
  const all = [
    { field: 'rootPath', raw: flags.rootPath, flag: '--root-path' },
    { field: 'poolName', raw: flags.poolName, flag: '--pool-name' },
    { field: 'address', raw: flags.address, flag: '--address' },
    { field: 'adminAddress', raw: flags.adminAddress, flag: '--admin-address' },
    { field: 'logLevel', raw: flags.logLevel, flag: '--log-level' },
  ] as const;
  return all
    .filter(({ raw }) => raw !== null)
    .map(({ field, raw, flag }) => ({ field, raw, where: { kind: 'flag', flag } }));
}

function readConfig(findings: Findings): Config {
  return {
    rootPath: readField('rootPath', findings),
    address: readField('address', findings),
    adminAddress: readField('adminAddress', findings),
    socketMode: readField('socketMode', findings),
    socketGroup: readField('socketGroup', findings),
    logLevel: readField('logLevel', findings),
    volumes: readField('volumes', findings),
    poolName: readField('poolName', findings),
    poolDirectory: readField('poolDirectory', findings),
    deviceWaitSeconds: readField('deviceWaitSeconds', findings),
    engine: readField('engine', findings),
    workers: readField('workers', findings),
    baseImageSize: readField('baseImageSize', findings),
    fsType: readField('fsType', findings),
    fsOptions: readField('fsOptions', findings),
    mountOptions: readField('mountOptions', findings),
    asyncRemove: readField('asyncRemove', findings),
    discardBlocks: readField('discardBlocks', findings),
    minFreeSpace: readField('minFreeSpace', findings),
    autoextendThreshold: readField('autoextendThreshold', findings),
    autoextendPercent: readField('autoextendPercent', findings),
    xfsNospaceMaxRetries: readField('xfsNospaceMaxRetries', findings),
    standbyPerParent: readField('standbyPerParent', findings),
    standbyTotal: readField('standbyTotal', findings),
  };
}

/** Without one of its own, the admin socket goes where the other one was put. */
function withAdminAddress(config: Config, { givens, problems, bad }: Findings): Config {
  const own = lastGiven(givens, 'adminAddress');
  if (own !== undefined) {
    if (config.adminAddress === config.address && !bad.has('adminAddress')) {
      problems.push(problemAt(own.where, 'Cannot use admin_address: containerd connects there, see address'));
    }
    return config;
  }
  const address = lastGiven(givens, 'address');
  if (address === undefined || bad.has('address')) return config;
  const reading = SETTINGS.adminAddress.read(besideAddress(config.address));
  if (reading.ok) return { ...config, adminAddress: reading.value };
  for (const { message } of reading.mistakes) {
    problems.push(problemAt(address.where, `Cannot make an admin_address from it: ${message}. Set that one too`));
  }
  return config;
}

function readField<Name extends Field>(field: Name, { givens, problems, bad }: Findings): Config[Name] {
  const { key, fallback, read } = SETTINGS[field];
  let value = fallback;
  for (const { raw, where } of givens.filter((given) => given.field === field)) {
    const reading = read(raw);
    if (reading.ok) {
      value = reading.value;
      continue;
    }
    bad.add(field);
    for (const { message, element } of reading.mistakes) {
      problems.push(problemAt(where, `Cannot use ${key}: ${message}`, element));
    }
  }
  return value;
}

function findMissing({ required, requiredAt }: FileContents, { givens, problems }: Findings): void {
  for (const field of required) {
    if (requiredAt === null || givens.some((given) => given.field === field)) continue;
    const { key } = SETTINGS[field];
    problems.push(problemAt(requiredAt, `Cannot do without ${key}: containerd's devmapper table must set it`));
  }
}

/** What no single setting shows. A field that is bad by itself was complained about already. */
function findContradictions(config: Config, { givens, problems, bad }: Findings): void {
  const size = lastGiven(givens, 'baseImageSize');
  if (size !== undefined && !bad.has('baseImageSize') && !bad.has('fsType')) {
    const { baseImageSize, fsType } = config;
    const shown = showSize(baseImageSize);
    if (baseImageSize < SIZE_MIN[fsType]) {
      const message = `${shown} is too small for ${fsType}, the least is ${showSize(SIZE_MIN[fsType])}`;
      problems.push(problemAt(size.where, `Cannot use base_image_size: ${message}`));
    }
    if (baseImageSize > SIZE_MAX) {
      const message = `${shown} is too large, the most is ${showSize(SIZE_MAX)}`;
      problems.push(problemAt(size.where, `Cannot use base_image_size: ${message}`));
    }
  }
  const group = lastGiven(givens, 'socketGroup');
  if (group !== undefined && config.socketGroup !== null && config.socketMode === '0600' && !bad.has('socketMode')) {
    problems.push(
      problemAt(group.where, 'Cannot use socket_group: no group may connect. Set socket_mode = "0660" too'),
    );
  }
  const volumes = lastGiven(givens, 'volumes');
  if (volumes !== undefined && config.volumes === 'thin-pool' && config.poolName === null && !bad.has('poolName')) {
    problems.push(problemAt(volumes.where, 'Cannot use volumes: "thin-pool" needs a pool_name, which is not set'));
  }
}

function lastGiven(givens: readonly Given[], field: Field): Given | undefined {
  return givens.findLast((given) => given.field === field);
}

function originsOf(givens: readonly Given[]): ReadonlyMap<Field, string> {
  const origins = new Map(FIELDS.map((field) => [field, describeOrigin(lastGiven(givens, field)?.where ?? null)]));
  const isBeside = lastGiven(givens, 'adminAddress') === undefined && lastGiven(givens, 'address') !== undefined;
  return isBeside ? origins.set('adminAddress', 'beside address') : origins;
}

function describeOrigin(where: Where | null): string {
  if (where === null) return 'default';
  if (where.kind === 'flag') return where.flag;
  return `${printable(where.source.file)}:${lineAndColumn(where.source.text, where.span.start).line}`;
}
