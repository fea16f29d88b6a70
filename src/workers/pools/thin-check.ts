// The judgement of thin_check on a pool's metadata while nothing has it: it refuses what is in use.

import { FaultError } from '../../shared/faults.ts';
import { runTool, ToolError } from '../exec.ts';

/** A pool of the largest metadata there is takes minutes to read. */
const THIN_CHECK_TIMEOUT_MS = 1_800_000;

/** Fault `pool-unsound` with what thin_check says. `clear`: a needs_check of the kernel's is taken back when all is sound. */
export async function checkMetadata(path: string, then: 'clear needs_check' | 'leave'): Promise<void> {
  const flags = then === 'leave' ? ['-q'] : ['-q', '--clear-needs-check-flag'];
  try {
    await runTool('thin_check', [...flags, path], { timeoutMs: THIN_CHECK_TIMEOUT_MS });
  } catch (error) {
    if (!(error instanceof ToolError && error.exitCode !== null)) throw error;
    throw new FaultError('pool-unsound', `thin_check finds its metadata damaged (${error.message})`, { cause: error });
  }
}
