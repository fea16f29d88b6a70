// Whether this machine has what a pool needs: looked at before anything is made, so that nothing is half-made for want of it.

import { readFile, stat } from 'node:fs/promises';
import { release } from 'node:os';
import type { PoolMakeup } from '../../shared/pool-makeup.ts';
import type { PoolNeeds } from '../../shared/pool-steps.ts';
import type { TaskArgs } from '../../shared/tasks.ts';
import { TOOL_PACKAGES, type ToolName } from '../../shared/tools.ts';
import { missingTools } from '../exec.ts';

const TOOLS: Record<PoolMakeup['kind'], readonly ToolName[]> = {
  loop: ['losetup', 'thin_check'],
  raw: ['wipefs', 'blkdiscard', 'thin_check'],
  // LVM runs thin_check itself before it activates a pool.
  lvm: ['wipefs', 'blkdiscard', 'lvm', 'thin_check'],
};
/** As sysfs names a module that is loaded or built in, and as modules.dep names its file. */
const MODULES: readonly (readonly [string, string])[] = [['dm_thin_pool', 'dm-thin-pool.ko']];

export async function poolNeeds({ kind }: TaskArgs<'poolNeeds'>): Promise<PoolNeeds> {
  const needs: string[] = [];
  for (const [loaded, file] of MODULES) {
    if (await hasModule(loaded, file)) continue;
    const found = `the kernel (${release()}) has no module ${loaded}`;
    needs.push(`${found}: install the Debian package linux-image-amd64, or whichever has all modules of yours`);
  }
  for (const tool of await missingTools(TOOLS[kind])) {
    needs.push(`${tool} is not installed: apt-get install ${TOOL_PACKAGES[tool]}`);
  }
  return needs;
}

async function hasModule(loaded: string, file: string): Promise<boolean> {
  const isLoaded = await stat(`/sys/module/${loaded}`).then(
    () => true,
    () => false,
  );
  if (isLoaded) return true;
  for (const list of ['modules.dep', 'modules.builtin']) {
    const text = await readFile(`/lib/modules/${release()}/${list}`, 'utf8').catch(() => '');
    if (text.includes(`/${file}`)) return true;
  }
  return false;
}
