// Tells systemd, when it has started this process and waits for that, that it serves.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { FaultError } from '../shared/faults.ts';
import { TOOL_SEARCH_PATH } from '../shared/tools.ts';

const NOTIFY_LIMIT_MS = 10_000;
const run = promisify(execFile);

/**
 * Does nothing unless the service has `Type=notify` (sd_notify(3)). `environment`: what systemd has started this process with. Fault
 * `unavailable`: systemd still waits.
 */
export async function announceServing(environment: NodeJS.ProcessEnv): Promise<void> {
  const { NOTIFY_SOCKET: socket, THINSNAP_TOOL_PATH: searchPath = TOOL_SEARCH_PATH } = environment;
  if (socket === undefined) return;
  try {
    const env = { PATH: searchPath, LC_ALL: 'C', NOTIFY_SOCKET: socket };
    await run('systemd-notify', ['--ready'], { cwd: '/', env, timeout: NOTIFY_LIMIT_MS, killSignal: 'SIGKILL' });
  } catch (error) {
    throw new FaultError(
      'unavailable',
      `Cannot tell systemd that the daemon serves: ${String(error)}. Type=exec in the unit does without`,
      { cause: error },
    );
  }
}
