// The comparison that follows an unclean stop, beside the calls: what it finds is logged once for each rule, and changed by
// nobody but an operator. Reading a large pool's ids may take long, so no start waits for it (decisions/0010).

import type { Logger } from 'pino';
import { toFault } from '../../shared/faults.ts';
import { type ComparisonParts, compare, RULES, type Rule } from './comparison.ts';

/** Of each rule, in the log; `thinsnap check` shows all. */
const SHOWN_MAX = 10;

/** Never rejects. */
export async function audit(parts: ComparisonParts, log: Logger): Promise<void> {
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
    if (omitted !== '') log.warn({ omitted }, 'after an unclean stop, not all could be compared');
    else if (found.size === 0) log.info('after an unclean stop: records, storage and kernel agree');
  } catch (error) {
    log.warn({ fault: toFault(error).message }, 'cannot hold records against storage and kernel');
  }
}
