// What tools say of this machine, for who looks into why something does not work. What cannot be asked is null, never a fault.

import type { TaskAnswer } from '../../shared/tasks.ts';
import { TOOL_NAMES, type ToolName } from '../../shared/tools.ts';
import { missingTools, runTool, ToolError } from '../exec.ts';

const TIMEOUT_MS = 10_000;

/** One tool of each package that tells its version. */
const VERSIONS: readonly (readonly [ToolName, string])[] = [
  ['cp', '--version'],
  ['dmsetup', '--version'],
  ['losetup', '--version'],
  ['lvm', 'version'],
  ['mkfs.ext4', '-V'],
  ['mkfs.xfs', '-V'],
  ['thin_check', '-V'],
];

export async function machineFacts(): Promise<TaskAnswer<'machineFacts'>> {
  const versions = await Promise.all(
    VERSIONS.map(async ([tool, flag]) => {
      const text = await said(tool, flag);
      return { tool, version: /\d+\.\d+(?:\.\d+)*/.exec(text ?? '')?.[0] ?? null };
    }),
  );
  const lvm = [
    'lvmconfig',
    '--typeconfig',
    'full',
    'devices/global_filter',
    'devices/filter',
    'devices/use_devicesfile',
  ];
  return {
    versions,
    missing: await missingTools(TOOL_NAMES),
    targets: await said('dmsetup', 'targets'),
    lvmDevices: await said('lvm', ...lvm),
  };
}

/** All that it wrote, also when it failed: dmsetup tells its version and fails where there is no device-mapper. */
async function said(tool: ToolName, ...args: readonly string[]): Promise<string | null> {
  try {
    const { stdout, stderr } = await runTool(tool, args, { timeoutMs: TIMEOUT_MS });
    return stdout + stderr;
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    return error.exitCode === null ? null : error.stderr;
  }
}
