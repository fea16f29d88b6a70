// `thinsnap reset`: removes every snapshot and every device of the daemon, after asking.

import { Admin, type ResetResponse } from '../../rpc/gen/thinsnap/admin/v1/admin_pb.ts';
import type { Arguments } from '../arguments.ts';
import { type Command, CommandError, EXIT_FAILED, EXIT_NO_DAEMON, EXIT_OK } from '../command.ts';
import { confirm } from '../confirm.ts';
import type { AdminClient } from '../daemon/admin-client.ts';
import { withDaemon } from '../daemon/with-daemon.ts';
import { DAEMON_OPTIONS, flagOption, jsonOption } from '../options.ts';
import { showCount, showJson } from '../show/format.ts';
import { plainLine } from '../show/plain-text.ts';
import { withProgress } from '../show/progress.ts';
import type { Writer } from '../writer.ts';

export const reset: Command = {
  kind: 'command',
  name: 'reset',
  summary: 'remove all snapshots and all that they hold, after asking',
  about: 'Removes every snapshot and every device that thinsnapd has, with all that they hold. It asks before it does.',
  options: [
    flagOption('yes', 'do not ask'),
    flagOption('force', 'also while containerd is connected; what is mounted goes once it is unmounted'),
    jsonOption('{"snapshots_left": ..., "devices_left": ...}'),
    ...DAEMON_OPTIONS,
  ],
  operands: [],
  notes: [
    "Stop containerd first: it keeps records of its own, and does not learn that its snapshots are gone. thinsnapd must run; it refuses containerd's calls meanwhile. What no record of thinsnapd's names is left alone, in the pool too.",
    'When it breaks off, or the machine does, run it again. Status 1: not confirmed, refused, or something is in use and still there; thinsnapd removes that by itself once it is closed.',
  ],
  examples: ['thinsnap reset', 'thinsnap reset --yes', 'thinsnap reset --yes --force'],
  run: async (found, writer) => {
    const last = await withDaemon(found, async (client) => {
      if (!(await isMeant(client, found, writer))) return null;
      return follow(client, found, writer);
    });
    if (last === null) {
      writer.error('Nothing was removed\n');
      return EXIT_FAILED;
    }
    const { snapshots, devices } = last;
    if (found.switches.has('json')) {
      writer.out(showJson({ snapshots_left: Number(snapshots), devices_left: Number(devices) }, 'pretty'));
    } else {
      writer.out(`${resultText(last)}\n`);
    }
    return snapshots + devices === 0n ? EXIT_OK : EXIT_FAILED;
  },
};

async function isMeant(client: AdminClient, { switches }: Arguments, writer: Writer): Promise<boolean> {
  if (switches.has('yes')) return true;
  const { snapshots, volumes } = await client.call(Admin.method.status, {});
  const { committed = 0n, active = 0n, views = 0n } = snapshots ?? {};
  const where = plainLine(volumes?.description ?? 'its volumes', writer);
  return confirm(`Remove ${showCount(committed + active + views, 'snapshot')} and all data on ${where}`, {
    yes: false,
  });
}

function follow(client: AdminClient, { switches }: Arguments, writer: Writer): Promise<ResetResponse> {
  return withProgress(writer, async (show) => {
    for await (const message of client.stream(Admin.method.reset, { force: switches.has('force') }, writer.closed)) {
      if (message.done) return message;
      show(`${showCount(message.snapshots, 'snapshot')} and ${showCount(message.devices, 'device')} left`);
    }
    throw new CommandError(
      EXIT_NO_DAEMON,
      'unavailable',
      'Cannot tell whether all was removed: the answer broke off. Run it again',
    );
  });
}

function resultText({ snapshots, devices }: ResetResponse): string {
  if (snapshots + devices === 0n) return 'Everything was removed';
  return `${showCount(devices, 'device')} left: in use, and removed once closed`;
}
