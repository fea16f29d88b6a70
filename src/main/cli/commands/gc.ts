// `thinsnap gc`: has everything that waits to be deactivated or deleted tried once more, and waits for that.

import { Admin, type CollectResponse } from '../../rpc/gen/thinsnap/admin/v1/admin_pb.ts';
import { type Command, CommandError, EXIT_NO_DAEMON, EXIT_OK } from '../command.ts';
import { withDaemon } from '../daemon/with-daemon.ts';
import { DAEMON_OPTIONS, jsonOption } from '../options.ts';
import { showCount, showJson } from '../show/format.ts';
import { withProgress } from '../show/progress.ts';

export const gc: Command = {
  kind: 'command',
  name: 'gc',
  summary: 'try once more to free what was removed, and wait for it',
  about: 'Has the daemon try everything that waits to be deactivated or deleted, and waits until each was tried.',
  options: [jsonOption('{"waiting": ..., "left": ...}'), ...DAEMON_OPTIONS],
  operands: [],
  notes: [
    'The same happens by itself, and when containerd calls Cleanup. What is left is in use: it is tried again, with pauses of at most 30 s, and goes once it is closed. Snapshots that nothing refers to are containerd\'s to remove: "ctr content prune references" and removing images do that.',
  ],
  examples: ['thinsnap gc', 'thinsnap gc --json | jq .left'],
  run: async (found, writer) => {
    const last = await withDaemon(found, (client) =>
      withProgress(writer, async (show) => {
        let latest: CollectResponse | null = null;
        for await (const message of client.stream(Admin.method.collect, {}, writer.closed)) {
          latest = message;
          show(`${showCount(message.left, 'device')} left`);
        }
        return latest;
      }),
    );
    if (last?.done !== true) {
      throw new CommandError(EXIT_NO_DAEMON, 'unavailable', 'Cannot tell whether all was tried: the answer broke off');
    }
    const { waiting, left } = last;
    if (found.switches.has('json')) writer.out(showJson({ waiting: Number(waiting), left: Number(left) }, 'pretty'));
    else writer.out(`${resultText(waiting, left)}\n`);
    return EXIT_OK;
  },
};

function resultText(waiting: bigint, left: bigint): string {
  if (waiting === 0n && left === 0n) return 'Nothing waits to be deactivated or deleted';
  const tried = `${showCount(waiting, 'device')} tried`;
  return left === 0n ? `${tried}, none is left` : `${tried}, ${left} left: in use, and tried again by itself`;
}
