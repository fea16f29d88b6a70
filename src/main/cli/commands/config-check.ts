// `thinsnap config check FILE`: whether the daemon would start with this file, and if not, all that is wrong with it.

import type { Config } from '../../config/config.ts';
import { type LoadedConfig, loadConfig, NO_FLAGS } from '../../config/load-config.ts';
import { printable } from '../../config/problems.ts';
import { showSize } from '../../config/read-values.ts';
import { type Command, EXIT_OK } from '../command.ts';

export const configCheck: Command = {
  kind: 'command',
  name: 'check',
  summary: 'tell every mistake in a configuration file',
  about: "Checks a configuration file: thinsnap's own, or containerd's config.toml with a devmapper table.",
  options: [],
  operands: [{ name: 'FILE', count: 'one', completion: 'file' }],
  notes: ['Prints "FILE: ok" and what it sets up, status 0; or every mistake with its line, status 1.'],
  examples: ['thinsnap config check /etc/thinsnap/config.toml'],
  run: async ({ operands }, writer) => {
    const [file = ''] = operands;
    const loaded = await loadConfig({ file, flags: NO_FLAGS });
    const lines = [`${printable(file)}: ok`, ...summarize(loaded).map((line) => `  ${line}`)];
    writer.out(`${lines.join('\n')}\n`);
    return EXIT_OK;
  },
};

function summarize({ config, origins, fileKind }: LoadedConfig): readonly string[] {
  const set = [...origins.values()].filter((origin) => origin !== 'default').length;
  const kind = fileKind === 'containerd' ? "containerd's, its devmapper table" : "thinsnap's own";
  return [
    `kind      ${kind}: ${set} of ${origins.size} settings`,
    `volumes   ${describeVolumes(config)}`,
    `snapshots ${config.fsType} of ${showSize(config.baseImageSize)}`,
    `state in  ${config.rootPath}`,
    `socket    ${config.address}`,
    `admin     ${config.adminAddress}`,
  ];
}

function describeVolumes({ volumes, poolName }: Config): string {
  const pool = poolName === null ? 'no thin pool' : `thin pool ${poolName}`;
  switch (volumes) {
    case 'thin-pool':
      return pool;
    case 'blockfile':
      return 'one file each';
    case 'auto':
      return poolName === null ? `${pool} set: one file each` : pool;
  }
}
