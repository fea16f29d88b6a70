// The tools that are run, and the Debian packages that bring them.

import { TOOL_PACKAGES, type ToolName } from '../../../shared/tools.ts';
import { error, type Finding, groupOf, ok, type Subject, warning } from './finding.ts';

/** What a daemon of any kind cannot do without. */
const ALWAYS: ReadonlySet<string> = new Set(['util-linux', 'e2fsprogs']);

export interface ToolFacts {
  readonly missing: readonly ToolName[];
  readonly versions: readonly { readonly tool: ToolName; readonly version: string | null }[];
  readonly fsType: string;
}

export const tools = groupOf('tools', gatherTools, judgeTools);

async function gatherTools({ config, machine }: Subject): Promise<ToolFacts> {
  const { missing, versions } = machine;
  return { missing, versions, fsType: config.fsType };
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
