// All commands of `thinsnap`. A new one is a file under commands/ and its name here.

import {
  type CommandGroup,
  EXIT_FAILED,
  EXIT_NO_DAEMON,
  EXIT_NOT_FOUND,
  EXIT_OK,
  EXIT_USAGE,
  runGroup,
} from './command.ts';
import { catalogBackup } from './commands/catalog-backup.ts';
import { catalogRepair } from './commands/catalog-repair.ts';
import { catalogRestore } from './commands/catalog-restore.ts';
import { check } from './commands/check.ts';
import { completionOf } from './commands/completion.ts';
import { configCheck } from './commands/config-check.ts';
import { configShow } from './commands/config-show.ts';
import { doctor } from './commands/doctor.ts';
import { events } from './commands/events.ts';
import { gc } from './commands/gc.ts';
import { inspect } from './commands/inspect.ts';
import { ls } from './commands/ls.ts';
import { poolActivate } from './commands/pool-activate.ts';
import { poolCheck } from './commands/pool-check.ts';
import { poolCreate } from './commands/pool-create.ts';
import { poolDeactivate } from './commands/pool-deactivate.ts';
import { poolExtend } from './commands/pool-extend.ts';
import { poolList } from './commands/pool-list.ts';
import { poolRemove } from './commands/pool-remove.ts';
import { poolShow } from './commands/pool-show.ts';
import { reset } from './commands/reset.ts';
import { status } from './commands/status.ts';
import { tree } from './commands/tree.ts';
import { usage } from './commands/usage.ts';
import { readVersion } from './version.ts';
import type { Writer } from './writer.ts';

/** What each exit status means, for the manual. */
export const EXIT_TEXTS: ReadonlyMap<number, string> = new Map([
  [EXIT_OK, 'Done. thinsnap status ends with it whenever the daemon answers, also when something is wrong.'],
  [EXIT_FAILED, 'It failed, or found what is wrong (check, doctor); the message says what.'],
  [EXIT_USAGE, 'The command line is wrong.'],
  [EXIT_NO_DAEMON, 'The daemon does not answer.'],
  [EXIT_NOT_FOUND, 'There is no snapshot of that name.'],
]);

export const COMMANDS: CommandGroup = {
  kind: 'group',
  name: 'thinsnap',
  summary:
    'thinsnap looks after thinsnapd, which serves snapshots to containerd. "thinsnap --version" prints the version.',
  members: [
    status,
    ls,
    tree,
    inspect,
    usage,
    check,
    gc,
    reset,
    events,
    doctor,
    {
      kind: 'group',
      name: 'pool',
      summary: 'make a thin pool, look after it, remove it',
      members: [poolCreate, poolList, poolShow, poolActivate, poolDeactivate, poolExtend, poolRemove, poolCheck],
    },
    {
      kind: 'group',
      name: 'catalog',
      summary: 'back up the catalog, restore it, or repair it',
      members: [catalogBackup, catalogRestore, catalogRepair],
    },
    {
      kind: 'group',
      name: 'config',
      summary: 'check a configuration, or show the one in effect',
      members: [configCheck, configShow],
    },
    completionOf(() => COMMANDS),
  ],
};

/** `args`: without node and the script. Answers the exit status. */
export async function runCli(args: readonly string[], writer: Writer): Promise<number> {
  if (args[0] === '--version' || args[0] === '-v') {
    writer.out(`thinsnap ${await readVersion()}\n`);
    return EXIT_OK;
  }
  return runGroup(COMMANDS, args, writer);
}
