// Gives a file blocks before it needs them, so that a full file system fails no write to it.

import type { Bytes } from '../../shared/units.ts';
import { runTool, ToolError } from '../exec.ts';

const FALLOCATE_TIMEOUT_MS = 60_000;

/**
 * Allocates the first `sizeBytes` of the file, also while it is in use; what is in it stays as it is. `keep-size`: it becomes no longer.
 * False where its file system has no room, or no such call; zeros are never written instead (fallocate(1)).
 */
export async function allocate(path: string, sizeBytes: Bytes, ...options: readonly 'keep-size'[]): Promise<boolean> {
  const args = [...options.map((option) => `--${option}`), '--length', String(sizeBytes), '--', path];
  try {
    await runTool('fallocate', args, { timeoutMs: FALLOCATE_TIMEOUT_MS });
    return true;
  } catch (error) {
    if (error instanceof ToolError && error.exitCode !== null) return false;
    throw error;
  }
}
