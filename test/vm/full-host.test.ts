// A daemon on a pool of its own, on sparse files, whose disk fills up: the pool knows nothing of it.
// vm: plain

import { fullHostSuite } from '../support/full-host.ts';
import { shell } from './support/shell.ts';

async function takeAway(): Promise<void> {
  const names = (await shell('dmsetup', 'info', '-c', '--noheadings', '-o', 'name')).split('\n');
  // Its devices have longer names than the pool.
  const ours = names.filter((name) => name.startsWith('thinsnap-')).sort((left, right) => right.length - left.length);
  for (const name of ours) await shell('dmsetup', 'remove', name);
  // What is in use stays.
  await shell('losetup', '--detach-all');
}

fullHostSuite('full-host', { config: { volumes: 'auto' }, takeAway }, ['ext4', 'xfs']);
