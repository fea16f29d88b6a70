// What a daemon that runs says of itself to its administrator.

import { join } from 'node:path';
import { AdminClient } from '../../src/main/cli/daemon/admin-client.ts';
import { Admin } from '../../src/main/rpc/gen/thinsnap/admin/v1/admin_pb.ts';
import type { Daemon } from './daemon.ts';

export async function askAsAdmin<T>({ root }: Daemon, action: (admin: AdminClient) => Promise<T>): Promise<T> {
  const admin = await AdminClient.open(join(root, 'admin.sock'));
  try {
    return await action(admin);
  } finally {
    admin.close();
  }
}

/** What `thinsnap status` says is wrong. */
export function problemsOf(daemon: Daemon): Promise<readonly string[]> {
  return askAsAdmin(daemon, async (admin) =>
    (await admin.call(Admin.method.status, {})).problems.map(({ code }) => code),
  );
}

/** What `thinsnap check` finds, and what it could not look at. */
export async function findingsOf(admin: AdminClient): Promise<readonly string[]> {
  const { differences, omitted } = await admin.call(Admin.method.check, {});
  return [...differences.map(({ rule, what }) => `${rule} ${what}`), omitted].filter((text) => text !== '');
}
