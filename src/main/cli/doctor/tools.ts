// The tools that are run, and the Debian packages that bring them.

import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { TOOL_PACKAGES, TOOL_SEARCH_PATH, type ToolName } from '../../../shared/tools.ts';
import { error, type Finding, groupOf, ok, type Subject, warning } from './finding.ts';

const TOOLS = Object.keys(TOOL_PACKAGES).filter((name): name is ToolName => name in TOOL_PACKAGES);

/** What a daemon of any kind cannot do without. */
const ALWAYS: ReadonlySet<string> = new Set(['util-linux', 'e2fsprogs']);

export interface ToolFacts {
  readonly missing: readonly ToolName[];
  readonly versions: readonly { readonly tool: ToolName; readonly version: string | null }[];
  readonly fsType: string;
}

export const tools = groupOf('tools', gatherTools, judgeTools);

async function gatherTools({ config, machine }: Subject): Promise<ToolFacts> {
  const missing: ToolName[] = [];
  for (const tool of TOOLS) if (!(await isThere(tool))) missing.push(tool);
  return { missing, versions: machine.versions, fsType: config.fsType };
}

/** Where the daemon looks: THINSNAP_TOOL_PATH is for tests and odd hosts, there as here. */
async function isThere(tool: string): Promise<boolean> {
  const { THINSNAP_TOOL_PATH: path = TOOL_SEARCH_PATH } = process.env;
  for (const directory of path.split(':')) {
    const found = await access(join(directory, tool), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}

/** A line for each package. */
export function judgeTools({ missing, versions, fsType }: ToolFacts): readonly Finding[] {
  return [...new Set(Object.values(TOOL_PACKAGES))].map((name) => {
    const lacking = missing.filter((tool) => TOOL_PACKAGES[tool] === name);
    if (lacking.length === 0) {
      const version = versions.find(({ tool }) => TOOL_PACKAGES[tool] === name)?.version;
      return ok(name, version ?? 'there');
    }
    const isNeeded = ALWAYS.has(name) || lacking.some((tool) => tool === `mkfs.${fsType}`);
    const found = `${lacking.join(', ')} ${lacking.length === 1 ? 'is' : 'are'} missing`;
    return (isNeeded ? error : warning)(name, found, `Run: apt-get install ${name}; ${PURPOSES[name]}`);
  });
}

/** What each is for, so that nobody installs what is of no use here. */
const PURPOSES: Record<(typeof TOOL_PACKAGES)[ToolName], string> = {
  coreutils: 'it copies block files',
  dmsetup: 'it is needed where the kernel cannot be asked directly, and for repairs by hand',
  e2fsprogs: 'it makes, grows and checks ext file systems',
  lvm2: 'only pools of LVM need it',
  'thin-provisioning-tools': 'thinsnap check and usage read a pool with it, and repairs need it',
  'util-linux': 'it looks after loop devices, and freezes and discards',
  xfsprogs: 'only xfs needs it',
};
