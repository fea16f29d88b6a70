// Every call of the admin service, from its own file.

import type { AdminContext } from './admin-context.ts';
import { backupRpc } from './backup.ts';
import { checkRpc } from './check.ts';
import { collectRpc } from './collect.ts';
import { eventsRpc } from './events.ts';
import { inspectRpc } from './inspect.ts';
import { listRpc } from './list.ts';
import { resetRpc } from './reset.ts';
import type { AdminRpcs } from './service.ts';
import { statusRpc } from './status.ts';
import { usageRpc } from './usage.ts';

export function adminCalls(context: AdminContext): AdminRpcs {
  return {
    status: statusRpc(context),
    list: listRpc(context),
    inspect: inspectRpc(context),
    usage: usageRpc(context),
    check: checkRpc(context),
    collect: collectRpc(context),
    reset: resetRpc(context),
    events: eventsRpc(context),
    backup: backupRpc(context),
  };
}
