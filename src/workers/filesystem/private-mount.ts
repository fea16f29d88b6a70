// The one exception to "the daemon never mounts": two things that the kernel does only to a mounted file system. Both happen
// in a mount namespace that lives as long as the tool's own process, so that no crash and no kill leaves a mount behind
// and nobody else sees one. It covers /sys/fs, which every kernel has and which none of these tools looks into. The scripts
// are constants; values reach them as arguments only.

import { FIXED_ARGUMENTS, runTool, ToolError } from '../exec.ts';

const GROW_TIMEOUT_MS = 120_000;
const THAW_TIMEOUT_MS = 30_000;
/** What a shell answers for a command that is not there. */
const COMMAND_NOT_FOUND = 127;

/** Grows an xfs, on a device or in a file, to fill it. `nouuid`: its origin, with the same uuid, may be mounted. */
export async function growUnmountedXfs(path: string, { isFile }: { readonly isFile: boolean }): Promise<void> {
  const options = `nouuid,nosuid,nodev,noexec${isFile ? ',loop' : ''}`;
  await runPrivately(FIXED_ARGUMENTS.growXfs, [options, path], GROW_TIMEOUT_MS);
}

/**
 * Thaws a file system that was unmounted while frozen: the freeze alone keeps it alive, on no path, and to mount the
 * device again gives the same one back. Whether it was frozen.
 */
export async function thawUnmounted(device: string): Promise<boolean> {
  try {
    await runPrivately(FIXED_ARGUMENTS.thaw, [device], THAW_TIMEOUT_MS);
    return true;
  } catch (error) {
    const isAnswer = error instanceof ToolError && error.exitCode !== null && error.code !== 'tool-missing';
    // Something else than a file system has it, or it is mounted out of our sight and was not frozen.
    if (isAnswer) return false;
    throw error;
  }
}

async function runPrivately(script: string, scriptArguments: readonly string[], timeoutMs: number): Promise<void> {
  const words = ['--mount', '--propagation', 'private', '--', 'sh', '-c', script, 'sh', ...scriptArguments];
  try {
    await runTool('unshare', words, { timeoutMs });
  } catch (error) {
    if (!(error instanceof ToolError && error.exitCode === COMMAND_NOT_FOUND)) throw error;
    const message = `${error.message} (Debian packages mount, util-linux, xfsprogs)`;
    throw new ToolError({ code: 'tool-missing', message }, { exitCode: error.exitCode, stderr: error.stderr });
  }
}
