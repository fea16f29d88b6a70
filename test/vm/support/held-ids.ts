// The thin ids that a pool holds, as the pool itself says, whatever a daemon has written down.

import { setTimeout as sleep } from 'node:timers/promises';
import { shell } from './shell.ts';

const { THINSNAP_TEST_POOL: given = '' } = process.env;

/** Each pool of the tests begins it with its metadata. */
const METADATA = '/dev/vdb';
const RESERVE_TRIES = 50;
const RESERVE_PAUSE_MS = 200;

/** `pool`: the one that the runner made, unless the test has made one. */
export async function heldIds(pool = given): Promise<readonly string[]> {
  // The daemon looks, too, after each unclean stop.
  for (let tries = 1; ; tries += 1) {
    const reserved = await shell('dmsetup', 'message', pool, '0', 'reserve_metadata_snap').catch(
      (error: unknown) => error,
    );
    if (typeof reserved === 'string') break;
    if (tries === RESERVE_TRIES) throw reserved;
    await sleep(RESERVE_PAUSE_MS);
  }
  try {
    return (await shell('thin_ls', '--no-headers', '-m', '-o', 'DEV', METADATA)).split(/\s+/).filter(Boolean);
  } finally {
    await shell('dmsetup', 'message', pool, '0', 'release_metadata_snap');
  }
}
