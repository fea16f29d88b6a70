// The end of what a test has made: every snapshot is removed, and nothing stays behind it.

import { setTimeout as sleep } from 'node:timers/promises';
import { Admin } from '../../src/main/rpc/gen/thinsnap/admin/v1/admin_pb.ts';
import type { Daemon } from './daemon.ts';
import { askAsAdmin, findingsOf } from './own-words.ts';
import type { SnapshotsClient } from './snapshots-client.ts';
import { until } from './until.ts';

/** What is given up goes in the background, and in its own time. */
const LEFTOVER_LOOKS = 100;
const LEFTOVER_PAUSE_MS = 100;
/** The longest pause of what is tried again is 30 s. */
const BASES_LIMIT_MS = 120_000;

/**
 * What has no children goes, until there is nothing more than `kept`, which have no new children: of volumes that are shared with
 * others, nothing is left behind.
 */
export async function removeAll(client: SnapshotsClient, kept: ReadonlySet<string> = new Set()): Promise<void> {
  for (;;) {
    const infos = await client.list();
    const parents = new Set(infos.map(({ parent }) => parent));
    const leaves = infos.filter(({ name }) => !parents.has(name) && !kept.has(name));
    if (leaves.length === 0) break;
    for (const { name } of leaves) await client.remove(name);
  }
  await client.cleanup();
}

/** What there is beyond the bases once every snapshot is removed. */
export type Leftovers = (daemon: Daemon) => Promise<readonly string[]>;

/** Fails when there is more than the bases, once all that waits to be deleted had its time. */
export async function nothingIsLeft(
  daemon: Daemon,
  leftovers: Leftovers,
  cleanup: () => Promise<unknown> = () => daemon.client.cleanup(),
): Promise<void> {
  let left: readonly string[] = [];
  for (let look = 0; look < LEFTOVER_LOOKS; look += 1) {
    await cleanup();
    left = await leftovers(daemon);
    if (left.length === 0) return;
    await sleep(LEFTOVER_PAUSE_MS);
  }
  throw new Error(`Left behind: ${left.join(', ')}`);
}

/** The same, of what goes only once it was tried again: within `limitMs`. */
export async function nothingIsLeftWithin(limitMs: number, daemon: Daemon, leftovers: Leftovers): Promise<void> {
  let left: readonly string[] = [];
  const look = async (): Promise<true | null> => {
    await daemon.client.cleanup();
    left = await leftovers(daemon);
    return left.length === 0 ? true : null;
  };
  await until(limitMs, look, () => `left behind: ${left.join(', ')}`);
}

/** By the daemon's own word there is nothing more than the bases, and storage holds what its records name. */
export function basesAreLeft(daemon: Daemon): Promise<void> {
  return nothingIsLeftWithin(BASES_LIMIT_MS, daemon, leftOf);
}

function leftOf(daemon: Daemon): Promise<readonly string[]> {
  return askAsAdmin(daemon, async (admin) => {
    const { devices } = await admin.call(Admin.method.status, {});
    const own = Number((devices?.total ?? 0n) - (devices?.bases ?? 0n));
    const restless = devices?.states.filter(({ state }) => state !== 'Deactivated') ?? [];
    return [
      ...(own === 0 ? [] : [`${own} devices`]),
      ...restless.map(({ state, count }) => `${count} in state ${state}`),
      ...(await findingsOf(admin)),
    ];
  });
}
