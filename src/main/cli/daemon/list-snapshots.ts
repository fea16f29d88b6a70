// All snapshots that match, from the daemon's stream into memory: sorting and trees need them all.

import { Admin, type Snapshot } from '../../rpc/gen/thinsnap/admin/v1/admin_pb.ts';
import type { Writer } from '../writer.ts';
import type { AdminClient } from './admin-client.ts';

export interface ListWish {
  readonly filters: readonly string[];
  readonly withLabels: boolean;
  readonly withUsage: boolean;
}

export async function listSnapshots(client: AdminClient, wish: ListWish, { closed }: Writer): Promise<Snapshot[]> {
  const found: Snapshot[] = [];
  const request = { filters: [...wish.filters], withLabels: wish.withLabels, withUsage: wish.withUsage };
  for await (const { snapshots } of client.stream(Admin.method.list, request, closed)) found.push(...snapshots);
  return found;
}
