// The directory lost+found of ext: mke2fs always makes it, e2fsck makes it again where there is none, and containers expect an
// empty root. e2fsck finds nothing wrong without it. An image may have one of its own, which stays.

import { FaultError } from '../../shared/faults.ts';
import { FIXED_ARGUMENTS, runTool, type ToolOutput } from '../exec.ts';

const DEBUGFS_TIMEOUT_MS = 120_000;
const MISSING = 'lost+found: File not found by ext2_lookup';

export async function hasLostAndFound(path: string): Promise<boolean> {
  const complaint = complaintOf(await debugfs(['-R', FIXED_ARGUMENTS.statLostAndFound, path]));
  if (complaint === '') return true;
  if (complaint.startsWith(MISSING)) return false;
  throw new FaultError('io', `Cannot look for lost+found on ${path}: ${complaint}`);
}

export async function removeLostAndFound(path: string): Promise<void> {
  const complaint = complaintOf(await debugfs(['-w', '-R', FIXED_ARGUMENTS.removeLostAndFound, path]));
  if (complaint !== '') throw new FaultError('io', `Cannot remove lost+found from ${path}: ${complaint}`);
  // Silence is all that debugfs says of success, and every container would find what is left.
  if (!(await hasLostAndFound(path))) return;
  throw new FaultError('io', `Cannot remove lost+found from ${path}: debugfs found nothing wrong, and it is there`);
}

function debugfs(words: readonly string[]): Promise<ToolOutput> {
  return runTool('debugfs', words, { timeoutMs: DEBUGFS_TIMEOUT_MS });
}

/** debugfs exits with 0 whatever happened; when all is well it prints its version alone. */
function complaintOf({ stderr }: ToolOutput): string {
  const lines = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('debugfs 1.'));
  return lines.join(' ');
}
