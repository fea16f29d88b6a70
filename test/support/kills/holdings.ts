// What storage holds against what the records say, of a daemon that serves: the system's own list against what the daemon
// answers containerd and its administrator.

import * as assert from 'uvu/assert';
import type { AdminClient } from '../../../src/main/cli/daemon/admin-client.ts';
import { Admin } from '../../../src/main/rpc/gen/thinsnap/admin/v1/admin_pb.ts';
import type { Daemon } from '../daemon.ts';
import { askAsAdmin, findingsOf } from '../own-words.ts';
import { until } from '../until.ts';

/** What is given up goes in the background, and in its own time. */
const QUIET_LIMIT_MS = 60_000;

/** What storage has of the daemon's: "7.img", or "7" for a thin id; by the system's own means. */
export type Held = (daemon: Daemon) => Promise<readonly string[]>;

/** Fails when anything is held that no record names, or is named and not held, once what waits to be deleted had its time. */
export function heldAsRecorded(daemon: Daemon, held: Held): Promise<void> {
  return askAsAdmin(daemon, async (admin) => {
    const found = await findingsOf(admin);
    assert.ok(found.length === 0, `the daemon finds by itself: ${found.join(', ')}`);
    let story = '';
    await until(
      QUIET_LIMIT_MS,
      async () => {
        story = await findDifference(daemon, admin, held);
        return story === '' ? true : null;
      },
      () => story,
    );
  });
}

/** What does not fit, as a sentence; empty: all does. */
async function findDifference(daemon: Daemon, admin: AdminClient, held: Held): Promise<string> {
  const keys = (await daemon.client.list()).map(({ name }) => name).sort();
  const shown: string[] = [];
  for await (const { snapshots } of admin.stream(Admin.method.list, {}, new AbortController().signal)) {
    shown.push(...snapshots.map(({ name }) => name));
  }
  const [theirs, ours] = [shown.sort().join(', '), keys.join(', ')];
  if (theirs !== ours) return `containerd is shown ${ours}; the administrator ${theirs}`;
  const named = new Set<string>();
  for (const key of keys) {
    const { device } = await admin.call(Admin.method.inspect, { key });
    // A view's is its parent's.
    named.add(device?.thinId === undefined ? `${device?.id}.img` : String(device.thinId));
  }
  const { devices, standby } = await admin.call(Admin.method.status, {});
  const has = await held(daemon);
  const lost = [...named].filter((name) => !has.includes(name));
  // What no snapshot has stands ready, or is a base.
  const spare = Number(devices?.bases) + Number(standby?.ready);
  if (lost.length === 0 && has.length === named.size + spare) return '';
  return `storage holds ${has.join(', ')}; snapshots have ${[...named].join(', ')}, and there are ${spare} more`;
}
