// A daemon on block files is killed while a tool of its own is at work, alone or with the tool. View, Remove and Cleanup run none.

import { BLOCK_FILES } from '../support/block-files.ts';
import { commit, prepare } from '../support/failpoints/steps.ts';
import { KEY, LAYER, orphanSuite, type Use } from '../support/orphans.ts';

const LARGER = { 'containerd.io/snapshot/max-size': String(2 ** 25) };

const larger = { before: [], open: false, step: prepare(KEY, LAYER, LARGER) };
const fresh = { before: [], open: false, step: prepare(KEY, '', LARGER) };
const committed = { before: [prepare(KEY, LAYER)], open: false, step: commit('name', KEY) };
const copied = { ...committed, open: true };

const USES: readonly Use[] = [
  { tool: 'mkfs.ext4', word: '', ...fresh },
  { tool: 'debugfs', word: 'rmdir', ...fresh },
  { tool: 'cp', word: '', before: [], open: false, step: prepare(KEY, LAYER) },
  { tool: 'e2fsck', word: '', ...larger },
  { tool: 'resize2fs', word: '', ...larger },
  { tool: 'losetup', word: '', ...committed },
  { tool: 'fsfreeze', word: '--freeze', ...copied },
  { tool: 'cp', word: '', ...copied },
  { tool: 'fsfreeze', word: '--unfreeze', ...copied },
];

orphanSuite({ config: BLOCK_FILES, uses: USES, sample: USES.length + 1, tidy: async () => undefined });
