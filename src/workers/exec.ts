// Runs a tool as a child process, and comes back in bounded time even when the child does not: a child in state D
// outlives SIGKILL, so after a short grace the wait ends and the fault says that the child may still be at work.

import { type ChildProcess, spawn } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { assert, type FaultCode, FaultError } from '../shared/faults.ts';
import { TOOL_PACKAGES, TOOL_SEARCH_PATH, type ToolName } from '../shared/tools.ts';

const OUTPUT_MAX_BYTES = 64 * 1024;
const TERMINATE_GRACE_MS = 500;
const KILL_GRACE_MS = 2_000;
const GROUP_POLL_MS = 10;
/** How long an exited tool's pipes may stay open: a process it left behind (dmeventd, say) holds them for ever. */
const PIPE_GRACE_MS = 250;
const MESSAGE_MAX_CHARACTERS = 600;
const ARGUMENT = /^[A-Za-z0-9_./:=,+^@%-]*$/;

/** The only arguments that hold other characters: texts of our own that no value ever enters. */
export const FIXED_ARGUMENTS = {
  removeLostAndFound: 'rmdir lost+found',
  statLostAndFound: 'stat lost+found',
  /** For sh: mount options, device or file. */
  growXfs: 'mount -t xfs -o "$1" -- "$2" /sys/fs && xfs_growfs -d /sys/fs && umount /sys/fs',
  /** For sh: device. */
  thaw: 'mount -- "$1" /sys/fs && fsfreeze --unfreeze /sys/fs',
} as const;
const FIXED: ReadonlySet<string> = new Set(Object.values(FIXED_ARGUMENTS));

/** Those of `tools` that are not where `runTool` looks. */
export async function missingTools(tools: readonly ToolName[]): Promise<readonly ToolName[]> {
  const { THINSNAP_TOOL_PATH: searchPath = TOOL_SEARCH_PATH } = process.env;
  const found = await Promise.all(tools.map((tool) => isOnPath(tool, searchPath)));
  return tools.filter((_, index) => found[index] !== true);
}

async function isOnPath(tool: ToolName, searchPath: string): Promise<boolean> {
  for (const folder of searchPath.split(':')) {
    const there = await access(join(folder, tool), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (there) return true;
  }
  return false;
}

/** As which a tool finds what it inherits. */
export const INHERITED_FD = 3;

let inherited: number | null = null;

/** A descriptor for every tool from now on, and for what the tool itself starts; they do nothing with it but hold it. */
export function inheritInTools(descriptor: number | null): void {
  inherited = descriptor;
}

export interface ToolOutput {
  readonly stdout: string;
  readonly stderr: string;
}

/** A tool that could not be started, failed, was ended by a signal or took too long. */
export class ToolError extends FaultError {
  /** Null when the tool never answered one: not started, ended by a signal, still running. */
  readonly exitCode: number | null;
  readonly stderr: string;

  constructor(fault: { code: FaultCode; message: string }, outcome: { exitCode: number | null; stderr: string }) {
    super(fault.code, fault.message);
    this.exitCode = outcome.exitCode;
    this.stderr = outcome.stderr;
  }
}

export interface ToolLimits {
  readonly timeoutMs: number;
  /** For who needs all of stdout: fault `io` when it is longer. Otherwise what exceeds 64 KiB is read and dropped. */
  readonly wholeMaxBytes?: number;
  /** What the tool reads on stdin; nothing otherwise. */
  readonly input?: string;
}

/**
 * Runs `tool` without a shell, in a process group of its own, and answers when it exited with 0. The search path is fixed, unless THINSNAP_TOOL_PATH names another: for
 * hosts that keep their tools elsewhere, and for tests with tools that misbehave.
 */
export async function runTool(
  tool: ToolName,
  toolArguments: readonly string[],
  { timeoutMs, wholeMaxBytes, input = '' }: ToolLimits,
): Promise<ToolOutput> {
  assert(
    toolArguments.every((argument) => ARGUMENT.test(argument) || FIXED.has(argument)),
    'an argument of a tool holds a character that is not allowed',
  );
  const { THINSNAP_TOOL_PATH: searchPath = TOOL_SEARCH_PATH } = process.env;
  const child = spawn(tool, toolArguments, {
    cwd: '/',
    detached: true,
    env: {
      PATH: searchPath,
      LC_ALL: 'C',
      // No cookie waits: nobody may be there to answer them (moby#24446).
      DM_DISABLE_UDEV: '1',
    },
    stdio: ['pipe', 'pipe', 'pipe', ...(inherited === null ? [] : [inherited])],
  });
  const { stdin } = child;
  assert(stdin !== null && child.stdout !== null && child.stderr !== null, 'a tool was started without its pipes');
  // EPIPE: the tool did not want it, which its exit status tells.
  stdin.on('error', () => undefined);
  stdin.end(input);
  const stdout = collect(
    child.stdout,
    wholeMaxBytes ?? OUTPUT_MAX_BYTES,
    wholeMaxBytes === undefined ? 'keep' : 'drop',
  );
  const stderr = collect(child.stderr, OUTPUT_MAX_BYTES, 'keep');
  const end = await waitBounded(child, timeoutMs, wholeMaxBytes === undefined ? PIPE_GRACE_MS : timeoutMs);
  // Nothing is read any more: what still holds the other ends must not keep this thread alive.
  child.stdout.destroy();
  child.stderr.destroy();

  if (end.kind === 'exit' && end.exitCode === 0) {
    if (wholeMaxBytes === undefined || stdout.isWhole()) return { stdout: stdout.text(), stderr: stderr.text() };
    throw new FaultError(
      'io',
      `Cannot read what ${tool} answers: no end within ${wholeMaxBytes} bytes and ${timeoutMs} ms`,
    );
  }
  throw toToolError({ tool, timeoutMs, stderr: stderr.text() }, end);
}

type End =
  | { readonly kind: 'exit'; readonly exitCode: number }
  | { readonly kind: 'signal'; readonly signal: string }
  | { readonly kind: 'not-started'; readonly errno: string }
  | { readonly kind: 'timeout'; readonly gone: boolean };

async function waitBounded(child: ChildProcess, timeoutMs: number, pipeGraceMs: number): Promise<End> {
  const ended = endOf(child);
  const inTime = await within(ended, timeoutMs);
  if (inTime !== null) {
    if (inTime.kind !== 'not-started') await readToEnd(child, pipeGraceMs);
    return inTime;
  }
  signalGroup(child, 'SIGTERM');
  await within(ended, TERMINATE_GRACE_MS);
  // Also when the tool itself is gone: its own children may have ignored the first signal.
  signalGroup(child, 'SIGKILL');
  const gone = (await within(ended, KILL_GRACE_MS)) !== null && (await isGroupGone(child));
  if (!gone) child.unref();
  return { kind: 'timeout', gone };
}

function endOf(child: ChildProcess): Promise<End> {
  return new Promise((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      resolve({ kind: 'not-started', errno: error.code ?? error.message });
    });
    child.once('exit', (exitCode, signal) => {
      resolve(exitCode === null ? { kind: 'signal', signal: signal ?? 'a signal' } : { kind: 'exit', exitCode });
    });
  });
}

/** Reads what an exited tool has written, until all its pipes are closed or the grace is over. */
async function readToEnd(child: ChildProcess, graceMs: number): Promise<void> {
  if ((await within(closedOf(child), graceMs)) !== null) return;
  // On a busy machine this thread itself may have slept through the grace, with the output still in the pipe (seen: an
  // empty answer of dmsetup). Timers come before pipes in Node's loop: the next turn has read what was there.
  await nextTurn();
}

async function closedOf(child: ChildProcess): Promise<true> {
  await Promise.all([streamEnd(child.stdout), streamEnd(child.stderr)]);
  return true;
}

function streamEnd(stream: Readable | null): Promise<void> {
  return new Promise((resolve) => {
    if (stream === null || stream.closed) {
      resolve();
      return;
    }
    stream.once('close', resolve);
  });
}

/** What `promise` gives, or null when that takes longer than `limitMs`. */
async function within<Value>(promise: Promise<Value>, limitMs: number): Promise<Value | null> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, limitMs, null);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** Processes that the tool started die after it, in their own time, and may write until then. No event tells of it. */
async function isGroupGone(child: ChildProcess): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < KILL_GRACE_MS; waitedMs += GROUP_POLL_MS) {
    if (!signalGroup(child, 0)) return true;
    await sleep(GROUP_POLL_MS);
  }
  return false;
}

/** Whether there was anyone in the group to take the signal; 0 only asks. */
function signalGroup(child: ChildProcess, signal: NodeJS.Signals | 0): boolean {
  if (child.pid === undefined) return false;
  try {
    return process.kill(-child.pid, signal);
  } catch {
    // ESRCH: the whole group is gone.
    return false;
  }
}

interface Collected {
  text(): string;
  isWhole(): boolean;
}

/** `excess`: what becomes of the first `maxBytes` when there is more. Who needs all of it has no use for them. */
function collect(stream: Readable, maxBytes: number, excess: 'keep' | 'drop'): Collected {
  const chunks: Buffer[] = [];
  let seenBytes = 0;
  let ended = false;
  stream.on('end', () => {
    ended = true;
  });
  stream.on('data', (chunk: Buffer) => {
    if (seenBytes < maxBytes) chunks.push(chunk.subarray(0, maxBytes - seenBytes));
    seenBytes += chunk.length;
    if (excess === 'drop' && seenBytes > maxBytes) chunks.length = 0;
  });
  return { text: () => Buffer.concat(chunks).toString('utf8'), isWhole: () => ended && seenBytes <= maxBytes };
}

function toToolError(run: { tool: ToolName; timeoutMs: number; stderr: string }, end: End): ToolError {
  const { tool, stderr } = run;
  switch (end.kind) {
    case 'not-started':
      return new ToolError(
        end.errno === 'ENOENT'
          ? {
              code: 'tool-missing',
              message: `Cannot run ${tool}: not installed (Debian package ${TOOL_PACKAGES[tool]})`,
            }
          : { code: 'unavailable', message: `Cannot run ${tool}: ${end.errno}` },
        { exitCode: null, stderr },
      );
    case 'timeout': {
      const fate = end.gone ? 'it was ended' : 'it cannot be ended and may still be at work';
      const message = `Cannot finish ${tool}: no answer within ${run.timeoutMs} ms, ${fate}`;
      return new ToolError({ code: 'timeout', message }, { exitCode: null, stderr });
    }
    case 'signal':
      return new ToolError(
        { code: 'io', message: `Cannot finish ${tool}: ended by ${end.signal}${toDetail(stderr)}` },
        { exitCode: null, stderr },
      );
    case 'exit':
      return new ToolError(
        { code: toCode(stderr), message: `Cannot finish ${tool}: exit status ${end.exitCode}${toDetail(stderr)}` },
        { exitCode: end.exitCode, stderr },
      );
  }
}

/** The C library's words for an errno are the same whichever tool prints them, under LC_ALL=C. */
function toCode(stderr: string): FaultCode {
  if (stderr.includes('No space left on device')) return 'no-space';
  if (stderr.includes('Device or resource busy')) return 'device-busy';
  return 'io';
}

function toDetail(stderr: string): string {
  const text = stderr.trim().replaceAll(/\s+/g, ' ');
  return text === '' ? '' : `: ${text.slice(0, MESSAGE_MAX_CHARACTERS)}`;
}
