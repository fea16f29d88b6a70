// Runs a command to its end or its time limit, in a process group of its own, so that what it started ends with it.

import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/** What is kept of a command's output: the end of it. */
const OUTPUT_CHARS_MAX = 4 * 2 ** 20;
/** Between the polite signal and the other one. */
const KILL_GRACE_MS = 10_000;
/** How long a pipe that a grandchild holds is read after the command itself ended. */
const PIPE_GRACE_MS = 1_000;

export interface ChildOptions {
  readonly timeoutMs: number;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Gets the output as it comes. */
  readonly onOutput: (text: string) => void;
}

export interface Outcome {
  readonly end: 'exit' | 'signal' | 'timeout';
  /** Exit status, or the signal's name. */
  readonly status: number | string;
  readonly output: string;
  readonly durationMs: number;
}

const groups = new Set<number>();

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // ESRCH: all of it has ended, which is what was asked for.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** Ends every command that is still running: for when the runner itself is told to end. */
export function killAll(signal: NodeJS.Signals): void {
  for (const pid of groups) killGroup(pid, signal);
}

export async function runChild(command: readonly string[], options: ChildOptions): Promise<Outcome> {
  const [file = '', ...args] = command;
  const startMs = performance.now();
  const child = spawn(file, args, {
    cwd: options.cwd,
    env: options.env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  const take = (chunk: string): void => {
    output = (output + chunk).slice(-OUTPUT_CHARS_MAX);
    options.onOutput(chunk);
  };
  child.stdout.setEncoding('utf8').on('data', take);
  child.stderr.setEncoding('utf8').on('data', take);
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  const pid = child.pid;
  if (pid !== undefined) groups.add(pid);
  const limit = new AbortController();
  const timer = setTimeout(() => {
    limit.abort();
    if (pid === undefined) return;
    killGroup(pid, 'SIGTERM');
    setTimeout(() => killGroup(pid, 'SIGKILL'), KILL_GRACE_MS).unref();
  }, options.timeoutMs);
  try {
    const { code, signal } = await ended;
    await Promise.race([closed, sleep(PIPE_GRACE_MS, undefined, { ref: false })]);
    const end = limit.signal.aborted ? 'timeout' : signal === null ? 'exit' : 'signal';
    return { end, status: code ?? signal ?? '', output, durationMs: performance.now() - startMs };
  } finally {
    clearTimeout(timer);
    child.stdout.destroy();
    child.stderr.destroy();
    if (pid !== undefined) {
      killGroup(pid, 'SIGKILL');
      groups.delete(pid);
    }
  }
}
