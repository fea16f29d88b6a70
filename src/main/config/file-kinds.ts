// What a configuration file sets. There are two kinds of file, told apart by their top-level keys:
//
//   * containerd's own config.toml: it has one of containerd's keys that are nobody else's (`version`, `plugins` ...),
//     or any key of containerd's (`root`, `state` ...) and none of thinsnap's. Only its devmapper table is read, with
//     containerd's meanings, and the rest is left alone; thinsnap's own keys beside it are a mistake.
//   * thinsnap's: everything else. All keys stand at the top level and each must be known.

import { isTable, type TomlTable } from './parse-toml.ts';
import { type Problem, printable, problemAt, type SourceText, type Where } from './problems.ts';
import { describeValue } from './read-values.ts';
import { type Field, fieldOfKey, KEYS, SETTINGS } from './settings.ts';
import { didYouMean, suggest } from './suggest.ts';
import { locateToml, placeId } from './toml-places.ts';

export type FileKind = 'thinsnap' | 'containerd';

/** One value as a source gave it, not yet read. */
export interface Given {
  readonly field: Field;
  readonly raw: unknown;
  readonly where: Where;
}

export interface FileContents {
  readonly kind: FileKind;
  readonly givens: readonly Given[];
  /** What the file must give when no flag does, and the place to complain at. */
  readonly required: readonly Field[];
  readonly requiredAt: Where | null;
  readonly problems: readonly Problem[];
}

// containerd's cmd/containerd/server/config/config.go, versions 1.0 to 2.3.
const UNMISTAKABLE_KEYS: readonly string[] = ['version', 'plugins', 'imports', 'proxy_plugins', 'stream_processors'];
const CONTAINERD_KEYS: readonly string[] = [
  ...UNMISTAKABLE_KEYS,
  'root',
  'state',
  'temp',
  'plugin_dir',
  'grpc',
  'ttrpc',
  'debug',
  'metrics',
  'disabled_plugins',
  'required_plugins',
  'oom_score',
  'cgroup',
  'timeouts',
  'subreaper',
];
// Up to 4 (containerd 2.3) the table has stayed the same; what a later version means by it is not known.
const CONTAINERD_VERSION_MAX = 4n;
// The first is the name since version 2, the second that of version 1.
const TABLE_PATHS: readonly (readonly string[])[] = [
  ['plugins', 'io.containerd.snapshotter.v1.devmapper'],
  ['plugins', 'devmapper'],
];
const TABLE_HEADER = '[plugins."io.containerd.snapshotter.v1.devmapper"]';
// plugins/snapshots/devmapper/config.go.
const CONTAINERD_FIELDS: ReadonlySet<Field> = new Set<Field>([
  'rootPath',
  'poolName',
  'baseImageSize',
  'asyncRemove',
  'discardBlocks',
  'fsType',
  'fsOptions',
]);
const CONTAINERD_REQUIRED: readonly Field[] = ['poolName', 'baseImageSize'];

interface Parsed {
  readonly source: SourceText;
  readonly root: TomlTable;
  readonly whereKey: (path: readonly string[]) => Where;
  readonly whereValue: (path: readonly string[]) => Where;
}

export function readContents(source: SourceText, root: TomlTable): FileContents {
  const places = locateToml(source.text);
  const where = (path: readonly string[], part: 'key' | 'value'): Where => {
    const place = places.get(placeId(path));
    const span = place?.[part] ?? { start: 0, end: 0 };
    return { kind: 'text', source, span, elements: place?.elements ?? [] };
  };
  const parsed: Parsed = {
    source,
    root,
    whereKey: (path) => where(path, 'key'),
    whereValue: (path) => where(path, 'value'),
  };
  const mark = containerdMark(Object.keys(root));
  return mark === undefined ? readOwn(parsed) : readContainerds(parsed, mark);
}

/** The key that shows a file to be containerd's. */
function containerdMark(keys: readonly string[]): string | undefined {
  const isMixed = keys.some((key) => KEYS.includes(key));
  const marks = isMixed ? UNMISTAKABLE_KEYS : CONTAINERD_KEYS;
  return keys.find((key) => marks.includes(key));
}

function readOwn({ root, whereKey, whereValue }: Parsed): FileContents {
  const problems: Problem[] = [];
  const givens: Given[] = [];
  for (const [key, raw] of Object.entries(root)) {
    const field = fieldOfKey(key);
    if (field !== null) givens.push({ field, raw, where: whereValue([key]) });
    else problems.push(problemAt(whereKey([key]), unknownKey(key, raw)));
  }
  return { kind: 'thinsnap', givens, required: [], requiredAt: null, problems };
}

function unknownKey(key: string, raw: unknown): string {
  if (isTable(raw) && suggest(key, KEYS) === null) {
    return `Cannot use table ${printable(key)}: thinsnap's settings stand at the top level of its file, in no table`;
  }
  return `Cannot use ${printable(key)}: thinsnap has no such setting${didYouMean(key, KEYS)}`;
}

function readContainerds(parsed: Parsed, mark: string): FileContents {
  const { root, whereKey, whereValue } = parsed;
  const problems = Object.keys(root)
    .filter((key) => KEYS.includes(key))
    .map((key) => problemAt(whereKey([key]), misplacedKey(key, mark)));
  const version = valueAt(root, ['version']);
  if (version !== undefined && !(typeof version === 'bigint' && version <= CONTAINERD_VERSION_MAX)) {
    const found = `${describeValue(version)}, known are 1 to ${CONTAINERD_VERSION_MAX}`;
    problems.push(
      problemAt(whereValue(['version']), `Cannot use this version of containerd's configuration: ${found}`),
    );
  }
  const none: FileContents = { kind: 'containerd', givens: [], required: [], requiredAt: null, problems };
  const [path, second] = TABLE_PATHS.filter((candidate) => valueAt(root, candidate) !== undefined);
  if (path === undefined) return { ...none, problems: [...problems, problemAt(whereKey([mark]), noTable(root, mark))] };
  if (second !== undefined) {
    const message = `Cannot use two devmapper tables: keep ${TABLE_HEADER}, this one is its name in version 1`;
    return { ...none, problems: [...problems, problemAt(whereKey(second), message)] };
  }
  const table = valueAt(root, path);
  if (!isTable(table)) {
    const message = `Cannot use ${path.join('.')}: expected a table, found ${describeValue(table)}`;
    return { ...none, problems: [...problems, problemAt(whereValue(path), message)] };
  }
  const contents = readDevmapperTable(parsed, table, path);
  return { ...contents, problems: [...problems, ...contents.problems] };
}

/** containerd's meaning of its keys: an empty text is a key that is not there (`containerd config default` writes so). */
function readDevmapperTable({ whereKey, whereValue }: Parsed, table: TomlTable, path: readonly string[]): FileContents {
  const problems: Problem[] = [];
  const givens: Given[] = [];
  const names = [...CONTAINERD_FIELDS].map((field) => SETTINGS[field].key);
  for (const [key, raw] of Object.entries(table)) {
    const field = fieldOfKey(key);
    if (field === null || !CONTAINERD_FIELDS.has(field)) {
      const reason =
        field === null
          ? `has no such key${didYouMean(key, names)}`
          : "has no such key, only a file of thinsnap's own has";
      problems.push(
        problemAt(whereKey([...path, key]), `Cannot use ${printable(key)}: containerd's devmapper table ${reason}`),
      );
    } else if (raw !== '' && !(field === 'fsOptions' && isForXfs(table))) {
      givens.push({
        field,
        raw: field === 'fsOptions' ? extendedOptions(raw) : raw,
        where: whereValue([...path, key]),
      });
    }
  }
  return { kind: 'containerd', givens, required: CONTAINERD_REQUIRED, requiredAt: whereKey(path), problems };
}

// containerd passes fs_options as the one argument of mkfs.ext4's -E, and drops them for XFS (snapshotter.go, mkfs).
function extendedOptions(raw: unknown): unknown {
  return typeof raw === 'string' ? ['-E', raw] : raw;
}

function isForXfs(table: TomlTable): boolean {
  return valueAt(table, ['fs_type']) === 'xfs';
}

function misplacedKey(key: string, mark: string): string {
  return `Cannot use ${key} here: this is a containerd configuration, as its "${mark}" shows; thinsnap's own keys go in a file of their own`;
}

function noTable(root: TomlTable, mark: string): string {
  const hint =
    valueAt(root, ['imports']) === undefined
      ? "thinsnap's own file has no such key"
      : 'name the imported file that has it, imports are not followed';
  return `Cannot find ${TABLE_HEADER}: this is a containerd configuration, as its "${mark}" shows; ${hint}`;
}

function valueAt(table: TomlTable, path: readonly string[]): unknown {
  let value: unknown = table;
  for (const name of path) value = isTable(value) ? value[name] : undefined;
  return value;
}
