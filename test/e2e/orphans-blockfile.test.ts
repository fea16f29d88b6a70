// A daemon on block files is killed while a tool of its own is at work, alone or with the tool. View, Remove and Cleanup run none.

import { BLOCK_FILES } from '../support/block-files.ts';
import { orphanSuite, type Use, waysOf } from '../support/orphans.ts';

const { child, larger, fresh, committed, copied } = waysOf(2 ** 25);

const USES: readonly Use[] = [
  { tool: 'mkfs.ext4', word: '', ...fresh },
  { tool: 'debugfs', word: 'rmdir', ...fresh },
  { tool: 'cp', word: '', ...child },
  { tool: 'e2fsck', word: '', ...larger },
  { tool: 'resize2fs', word: '', ...larger },
  { tool: 'losetup', word: '', ...committed },
  { tool: 'fsfreeze', word: '--freeze', ...copied },
  { tool: 'cp', word: '', ...copied },
  { tool: 'fsfreeze', word: '--unfreeze', ...copied },
];

orphanSuite({ config: BLOCK_FILES, uses: USES, sample: USES.length + 1, tidy: async () => undefined });
