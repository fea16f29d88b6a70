// A daemon on block files is killed while a tool of its own is at work, alone or with the tool.
//
// THINSNAP_ORPHANS=all: both ways for each tool.

import { BLOCK_FILES } from '../support/block-files.ts';
import { LAYER, orphanSuite, type Use } from '../support/orphans.ts';

const LARGER = { 'containerd.io/snapshot/max-size': String(2 ** 25) };

const USES: readonly Use[] = [
  { tool: 'mkfs.ext4', word: '', call: (client, key) => client.prepare(key, '', LARGER) },
  { tool: 'debugfs', word: 'rmdir', call: (client, key) => client.prepare(key, '', LARGER) },
  { tool: 'cp', word: '', call: (client, key) => client.prepare(key, LAYER) },
  { tool: 'resize2fs', word: '', call: (client, key) => client.prepare(key, LAYER, LARGER) },
];

orphanSuite({ config: BLOCK_FILES, uses: USES, tidy: async () => undefined });
