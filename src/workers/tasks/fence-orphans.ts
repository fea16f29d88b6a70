// Tools outlive a daemon that is killed: mkfs goes on writing, dmsetup sends what it was about to send. So each inherits the
// open file that the daemon holds an flock on. The lock belongs to that open file, not to a process: it is free once all who
// have it are gone, also one that hangs in the kernel (state D) and takes no signal (flock(2)).
//
// Who they are is told by the same file, as descriptor 3 of a process: nobody else can have it, since the directory is root's.

import { readdir, readFile, stat } from 'node:fs/promises';
import { FaultError } from '../../shared/faults.ts';
import { INHERITED_FD, runTool, ToolError } from '../exec.ts';

/** flock's exit status when somebody else has the lock (flock(1)). */
const HELD_STATUS = 1;
const FLOCK_TIMEOUT_MS = 30_000;
/** Between two looks at who is left. */
const WAIT_SECONDS = '0.2';

interface Orphan {
  readonly pid: number;
  readonly title: string;
}

export async function fenceOrphans({
  lockPath,
  limitMs,
}: {
  lockPath: string;
  limitMs: number;
}): Promise<readonly string[]> {
  const found = new Map<number, string>();
  const deadlineMs = performance.now() + limitMs;
  for (let wait = ['--nonblock']; !(await isTaken(wait)); wait = ['--wait', WAIT_SECONDS]) {
    const orphans = await orphansOf(lockPath);
    if (performance.now() > deadlineMs) throw stuck(orphans, limitMs);
    for (const { pid, title } of orphans) {
      found.set(pid, title);
      end(pid);
    }
  }
  return [...found.values()];
}

async function isTaken(wait: readonly string[]): Promise<boolean> {
  try {
    await runTool('flock', ['--exclusive', ...wait, String(INHERITED_FD)], { timeoutMs: FLOCK_TIMEOUT_MS });
    return true;
  } catch (error) {
    if (error instanceof ToolError && error.exitCode === HELD_STATUS && error.stderr === '') return false;
    throw error;
  }
}

async function orphansOf(lockPath: string): Promise<readonly Orphan[]> {
  const lock = await stat(lockPath);
  const orphans: Orphan[] = [];
  for (const entry of await readdir('/proc')) {
    if (!/^[1-9]\d*$/.test(entry) || Number(entry) === process.pid) continue;
    // A process that ends meanwhile has no such entry, and one without the descriptor never had.
    const held = await stat(`/proc/${entry}/fd/${INHERITED_FD}`).catch(() => null);
    if (held === null || held.ino !== lock.ino || held.dev !== lock.dev) continue;
    const name = (await readFile(`/proc/${entry}/comm`, 'utf8').catch(() => '')).trim();
    orphans.push({ pid: Number(entry), title: `${name} (process ${entry})` });
  }
  return orphans;
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // ESRCH: it ended by itself.
  }
}

function stuck(orphans: readonly Orphan[], limitMs: number): FaultError {
  const who = orphans.map(({ title }) => title).join(', ') || 'a process';
  const found = `${who}, which an earlier thinsnapd started, does not end within ${limitMs / 1000} s`;
  const advice = 'It may hang in the kernel (state D; see dmesg). Start again once it is gone, or restart the machine';
  return new FaultError('unavailable', `Cannot start: ${found}. ${advice}`);
}
