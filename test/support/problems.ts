// What `thinsnap status` says is wrong, asked of a daemon that runs.

import { join } from 'node:path';
import { AdminClient } from '../../src/main/cli/daemon/admin-client.ts';
import { Admin } from '../../src/main/rpc/gen/thinsnap/admin/v1/admin_pb.ts';
import type { Daemon } from './daemon.ts';

export async function problemsOf({ root }: Daemon): Promise<readonly string[]> {
  const client = await AdminClient.open(join(root, 'admin.sock'));
  try {
    return (await client.call(Admin.method.status, {})).problems.map(({ code }) => code);
  } finally {
    client.close();
  }
}
