// A daemon on a thin pool, with dmsetup as its engine, is killed while a tool of its own is at work, alone or with the tool.
// vm: plain pool
//
// THINSNAP_ORPHANS=all: at each tool, not at one alone.

import { LAYER, orphanSuite, type Use } from '../support/orphans.ts';
import { thinPoolConfig } from './support/daemon.ts';
import { tidy } from './support/leftovers.ts';

const LARGER = { 'containerd.io/snapshot/max-size': String(2 ** 27) };
const { THINSNAP_ORPHANS: wanted } = process.env;

const USES: readonly Use[] = [
  { tool: 'dmsetup', word: 'create_snap', call: (client, key) => client.prepare(key, LAYER) },
  { tool: 'dmsetup', word: 'create_thin', call: (client, key) => client.prepare(key, '', LARGER) },
  { tool: 'mkfs.ext4', word: '', call: (client, key) => client.prepare(key, '', LARGER) },
  { tool: 'debugfs', word: 'rmdir', call: (client, key) => client.prepare(key, '', LARGER) },
  { tool: 'resize2fs', word: '', call: (client, key) => client.prepare(key, LAYER, LARGER) },
];

orphanSuite({
  config: { ...thinPoolConfig('dmsetup'), base_image_size: '64MB' },
  uses: wanted === 'all' ? USES : USES.slice(0, 1),
  tidy,
});
