// The comparison that follows an unclean stop, or a catalog that was brought back, beside the calls: what it finds is logged
// once for each rule, and changed by nobody but an operator. A catalog that lacks nothing counts as brought back no longer. Reading a large pool's ids may take long, so no start waits for it (decisions/0010).

import type { Logger } from 'pino';
import { toFault } from '../../shared/faults.ts';
import type { Context } from '../snapshots/context.ts';
import { compare, RULES, type Rule } from './comparison.ts';

/** Of each rule, in the log; `thinsnap check` shows all. */
const SHOWN_MAX = 10;

/** Never rejects. */
export async function audit(parts: Pick<Context, 'catalog' | 'volumes'>, log: Logger): Promise<void> {
  try {
    const { differences, omitted } = await compare(parts);
    const found = new Map<Rule, string[]>();
    for (const { rule, what } of differences) found.set(rule, [...(found.get(rule) ?? []), what]);
    for (const [rule, things] of found) {
      log.warn(
        { rule, count: things.length, things: things.slice(0, SHOWN_MAX) },
        `${RULES[rule]}; see thinsnap check`,
      );
    }
    if (omitted !== '') {
      log.warn({ omitted }, 'not all could be compared');
    } else if (found.size === 0) {
      log.info('records, storage and kernel agree');
      if (parts.catalog.restored) await parts.catalog.clearRestored();
    }
  } catch (error) {
    log.warn({ fault: toFault(error).message }, 'cannot hold records against storage and kernel');
  }
}
