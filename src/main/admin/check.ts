// Check: records held against what storage and the kernel have, and what an operator has done about it.

import { compare, drop, RULES, repair } from '../upkeep/comparison.ts';
import type { AdminContext } from './admin-context.ts';
import type { AdminRpcs } from './service.ts';

export function checkRpc(context: AdminContext): AdminRpcs['check'] {
  return async ({ repair: wanted, drop: what }) => {
    if (what !== '') await drop(context, what);
    const { differences, omitted } = wanted ? await repair(context) : await compare(context);
    return { omitted, differences: differences.map((each) => ({ ...each, meaning: RULES[each.rule] })) };
  };
}
