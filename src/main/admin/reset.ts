// Reset: everything of ours is removed, with a word now and then on how far that is.

import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ResetResponseSchema } from '../rpc/gen/thinsnap/admin/v1/admin_pb.ts';
import { reset } from '../snapshots/reset.ts';
import type { AdminContext } from './admin-context.ts';
import { untilDone } from './progress.ts';
import type { AdminRpcs } from './service.ts';

export function resetRpc(context: AdminContext): AdminRpcs['reset'] {
  const { tables } = context.catalog;
  const left = (done: boolean): MessageInitShape<typeof ResetResponseSchema> => ({
    snapshots: BigInt(tables.snapshots.size),
    devices: BigInt(tables.devices.size),
    done,
  });
  return async function* ({ force }, signal) {
    yield left(false);
    const work = reset(context, { force, clients: context.clients, signal });
    yield* untilDone(work, signal, () => left(false));
    if (!signal.aborted) yield left(true);
  };
}
