// The judgement of thin_check on a pool's metadata. It refuses what is in use: of an active pool it reads a metadata snapshot.

import { open } from 'node:fs/promises';
import { FaultError } from '../../shared/faults.ts';
import { withErrno } from '../errno.ts';
import { runTool, ToolError } from '../exec.ts';

/** The largest metadata there is takes minutes to read. */
const THIN_CHECK_TIMEOUT_MS = 1_800_000;

/**
 * `clear needs_check`: the kernel's mark is taken back when all is sound. `snapshot`: the metadata snapshot of an active pool.
 * Fault `pool-unsound` with what thin_check says.
 */
export async function checkMetadata(path: string, how: 'clear needs_check' | 'look' | 'snapshot'): Promise<void> {
  const flags = { 'clear needs_check': ['--clear-needs-check-flag'], look: [], snapshot: ['--metadata-snap'] }[how];
  try {
    await runTool('thin_check', ['-q', ...flags, path], { timeoutMs: THIN_CHECK_TIMEOUT_MS });
  } catch (error) {
    if (!(error instanceof ToolError && error.exitCode !== null)) throw error;
    throw new FaultError('pool-unsound', `thin_check finds its metadata damaged (${error.message})`, { cause: error });
  }
}

/** Whether the kernel marked it so: bit 0 of the flags, which follow the checksum (struct thin_disk_superblock). */
export async function needsCheck(path: string): Promise<boolean> {
  return withErrno(`read ${path}`, async () => {
    const handle = await open(path, 'r');
    try {
      const { buffer } = await handle.read(Buffer.alloc(8), 0, 8, 0);
      return (buffer.readUInt32LE(4) & 1) === 1;
    } finally {
      await handle.close();
    }
  });
}
