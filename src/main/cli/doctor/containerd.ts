// containerd's configuration: whether it names thinsnapd's socket, which snapshotter CRI takes, and whether containerd 2.x
// unpacks into it. Files of version 2 and 3 are understood, as docs/operating.md has them; files that they import are not read.

import { access } from 'node:fs/promises';
import { isTable, parseToml, type TomlTable } from '../../config/parse-toml.ts';
import { readConfigFile } from '../../config/read-file.ts';
import { error, type Finding, groupOf, ok, type Subject, warning } from './finding.ts';

export interface ContainerdFacts {
  readonly file: string;
  /** Null: there is no such file. */
  readonly table: TomlTable | null;
  /** Where thinsnapd listens for containerd. */
  readonly address: string;
}

export const containerd = groupOf('containerd', gatherContainerd, judgeContainerd);

async function gatherContainerd({ containerdFile: file, config }: Subject): Promise<ContainerdFacts> {
  const isThere = await access(file).then(
    () => true,
    () => false,
  );
  return { file, address: config.address, table: isThere ? parseToml(await readConfigFile(file)) : null };
}

export function judgeContainerd({ file, table, address }: ContainerdFacts): readonly Finding[] {
  if (table === null) {
    const fix = `Write one that names thinsnapd's socket (docs/operating.md), or say where it is: --containerd-config FILE`;
    return [warning('configuration', `there is no ${file}`, fix)];
  }
  const { version } = table;
  const number = version === undefined ? 1 : Number(version);
  if (number !== 2 && number !== 3) {
    return [error('configuration', `${file} is of version ${number}`, 'Write it anew as version = 2 or version = 3')];
  }
  const plugins = proxyPlugins(table);
  const ours = plugins.find((plugin) => plugin.address === address);
  const findings = [ok('configuration', `${file}, version ${number}`), judgeProxy(table, address, plugins)];
  if (ours === undefined) return findings;
  findings.push(judgeCri(criSnapshotter(table, number), ours.name, number));
  if (number === 3) findings.push(judgeUnpack(table, ours.name));
  return findings;
}

interface ProxyPlugin {
  readonly name: string;
  readonly type: unknown;
  readonly address: unknown;
}

function proxyPlugins(table: TomlTable): readonly ProxyPlugin[] {
  return Object.entries(child(table, 'proxy_plugins')).map(([name, plugin]) => ({
    name,
    type: valueAt(plugin, 'type'),
    address: valueAt(plugin, 'address'),
  }));
}

function judgeProxy(table: TomlTable, address: string, plugins: readonly ProxyPlugin[]): Finding {
  const wanted = `[proxy_plugins.thinsnap] with type = "snapshot" and address = "${address}"`;
  const ours = plugins.find((plugin) => plugin.address === address);
  if (ours?.type === 'snapshot') return ok('proxy plugin', `${ours.name}, at ${address}`);
  if (ours !== undefined) return error('proxy plugin', `${ours.name} is no snapshot plugin`, `Write ${wanted}`);
  const named = plugins.find(({ name }) => name === 'thinsnap');
  if (named !== undefined) {
    const found = `thinsnap has the address ${String(named.address)}, and thinsnapd's is ${address}`;
    return error('proxy plugin', found, 'Set one of them to the other, and restart what you changed');
  }
  const found = `no proxy plugin has the address ${address}`;
  const { imports } = table;
  if (!Array.isArray(imports) || imports.length === 0) return error('proxy plugin', found, `Write ${wanted}`);
  return warning('proxy plugin', `${found}; imported files are not read`, `See that one of them has ${wanted}`);
}

function judgeCri(snapshotter: unknown, name: string, version: 2 | 3): Finding {
  const [table, key] = CRI_TABLES[version];
  if (snapshotter === name) return ok('CRI', `takes its snapshots from ${name}`);
  const fix = `For Kubernetes: snapshotter = "${name}" in [plugins."${table}"${key}]`;
  const taken = typeof snapshotter === 'string' ? snapshotter : 'the default one, overlayfs';
  return warning('CRI', `takes its snapshots from ${taken}`, fix);
}

/** The table of the snapshotter's name, by the version of the file (containerd's docs/cri/config.md). */
const CRI_TABLES = {
  2: ['io.containerd.grpc.v1.cri', '.containerd'],
  3: ['io.containerd.cri.v1.images', ''],
} as const;

function criSnapshotter(table: TomlTable, version: 2 | 3): unknown {
  const [name, key] = CRI_TABLES[version];
  const plugin = child(child(table, 'plugins'), name);
  return valueAt(key === '' ? plugin : child(plugin, key.slice(1)), 'snapshotter');
}

/** Without it: "no unpack platforms defined", from ctr and, since 2.1, from CRI. */
function judgeUnpack(table: TomlTable, name: string): Finding {
  const transfer = child(child(table, 'plugins'), 'io.containerd.transfer.v1.local');
  const { unpack_config: rows } = transfer;
  if (Array.isArray(rows) && rows.some((row) => valueAt(row, 'snapshotter') === name)) {
    return ok('unpack_config', `unpacks images into ${name}`);
  }
  const platform = `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`;
  const fix = `Write [[plugins."io.containerd.transfer.v1.local".unpack_config]] with platform = "${platform}" and snapshotter = "${name}"`;
  return error('unpack_config', `names no ${name}: images are not unpacked into it`, fix);
}

function child(table: TomlTable, key: string): TomlTable {
  const value = valueAt(table, key);
  return isTable(value) ? value : {};
}

function valueAt(value: unknown, key: string): unknown {
  return isTable(value) ? value[key] : undefined;
}
