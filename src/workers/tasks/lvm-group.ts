// What LVM has of a volume group.

import type { LvmGroup } from '../../shared/pool-steps.ts';
import type { TaskArgs } from '../../shared/tasks.ts';
import { findLvmGroup } from '../pools/lvm.ts';

export function lvmGroup({ vg }: TaskArgs<'lvmGroup'>): Promise<LvmGroup | null> {
  return findLvmGroup(vg);
}
