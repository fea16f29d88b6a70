// A daemon on a thin pool, with dmsetup as its engine, is killed while a tool of its own is at work, alone or with the tool.
// vm: plain pool

import { cleanup, prepare, remove, type Step, view } from '../support/failpoints/steps.ts';
import { KEY, LAYER, orphanSuite, type Use, waysOf } from '../support/orphans.ts';
import { thinPoolConfig } from './support/daemon.ts';
import { tidy } from './support/leftovers.ts';

const { child, larger, fresh, committed, copied } = waysOf(2 ** 27);
const removed = { before: [prepare(KEY, LAYER)], open: false, step: remove(KEY) };

/** A Remove is answered before its device goes; Cleanup waits for that. */
const cleaned: Step = {
  ...remove(KEY),
  title: 'Cleanup',
  call: async (client) => {
    await remove(KEY).call(client);
    await cleanup().call(client);
  },
};

const USES: readonly Use[] = [
  { tool: 'dmsetup', word: 'create_snap', ...child },
  { tool: 'dmsetup', word: 'create --uuid', ...child },
  { tool: 'dmsetup', word: 'create_thin', ...fresh },
  { tool: 'mkfs.ext4', word: '', ...fresh },
  { tool: 'debugfs', word: 'rmdir', ...fresh },
  { tool: 'e2fsck', word: '', ...larger },
  { tool: 'resize2fs', word: '', ...larger },
  { tool: 'dmsetup', word: 'create --readonly', before: [], open: false, step: view(KEY, LAYER) },
  { tool: 'dmsetup', word: 'info', ...committed },
  { tool: 'dmsetup', word: 'remove --', ...committed },
  { tool: 'dmsetup', word: 'suspend', ...copied },
  { tool: 'dmsetup', word: 'create_snap', ...copied },
  { tool: 'dmsetup', word: 'resume', ...copied },
  { tool: 'dmsetup', word: 'remove --', ...removed },
  { tool: 'dmsetup', word: ' delete ', ...removed },
  { tool: 'dmsetup', word: ' delete ', ...removed, step: cleaned },
];

orphanSuite({
  // Snapshots that nobody asks for would run the same tools.
  config: { ...thinPoolConfig('dmsetup'), base_image_size: '64MB', standby_per_parent: 0 },
  uses: USES,
  sample: 2,
  tidy,
});
