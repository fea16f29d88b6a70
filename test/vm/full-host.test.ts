// A daemon on a pool of its own, on sparse files, whose disk fills up: the pool knows nothing of it.
// vm: plain

import { fullHostSuite } from '../e2e/full-host.ts';
import { deviceNames } from './support/pool.ts';
import { shell } from './support/shell.ts';

async function takeAway(): Promise<void> {
  // Its devices have longer names than the pool.
  const ours = (await deviceNames('thinsnap-')).sort((left, right) => right.length - left.length);
  for (const name of ours) await shell('dmsetup', 'remove', name);
  // What is in use stays.
  await shell('losetup', '--detach-all');
}

fullHostSuite('full-host', { config: { volumes: 'auto' }, takeAway }, ['ext4', 'xfs']);
