// Check: records held against what storage and the kernel have, and what an operator has done about it.

import { check, RULES } from '../upkeep/comparison.ts';
import type { AdminContext } from './admin-context.ts';
import type { AdminRpcs } from './service.ts';

export function checkRpc(context: AdminContext): AdminRpcs['check'] {
  return async ({ repair, drop }) => {
    const { differences, omitted } = await check(context, { repair, drop });
    return { omitted, differences: differences.map((each) => ({ ...each, meaning: RULES[each.rule] })) };
  };
}
