// All commands of `thinsnap`. A new one is a file under commands/ and its name here.

import { type CommandGroup, EXIT_OK, runGroup } from './command.ts';
import { catalogBackup } from './commands/catalog-backup.ts';
import { catalogRepair } from './commands/catalog-repair.ts';
import { catalogRestore } from './commands/catalog-restore.ts';
import { check } from './commands/check.ts';
import { completionOf } from './commands/completion.ts';
import { configCheck } from './commands/config-check.ts';
import { configShow } from './commands/config-show.ts';
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
import { status } from './commands/status.ts';
import { tree } from './commands/tree.ts';
import { readVersion } from './version.ts';
import type { Writer } from './writer.ts';

const COMMANDS: CommandGroup = {
  kind: 'group',
  name: 'thinsnap',
  summary:
    'thinsnap looks after thinsnapd, which serves snapshots to containerd. "thinsnap --version" prints the version.',
  members: [
    status,
    ls,
    tree,
    inspect,
    check,
    gc,
    events,
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
