// Turns what Node's file system calls throw into faults: a plain Error would count as our own mistake and stop the daemon.

import { type FaultCode, FaultError } from '../shared/faults.ts';

const CODES: Readonly<Record<string, FaultCode>> = {
  ENOENT: 'not-found',
  ENOSPC: 'no-space',
  EDQUOT: 'no-space',
  EFBIG: 'invalid',
  EBUSY: 'device-busy',
  EMFILE: 'overloaded',
  ENFILE: 'overloaded',
};

/** What to do about it, where there is something for everybody. */
const ADVICE: Readonly<Record<string, string>> = {
  ENOSPC: 'Make room on its file system',
  EDQUOT: 'Raise the quota of its file system',
  EROFS: "Its file system is read-only: see the kernel's log for the reason, make it writable and restart thinsnapd",
  EIO: "The disk under it failed: see the kernel's log",
  EMFILE: 'Raise the limit of open files of the process (LimitNOFILE= of its unit)',
  ENFILE: "Raise the system's limit of open files (sysctl fs.file-max)",
};

/** Runs `action`; an errno that it throws becomes a fault that begins with `Cannot ${doing}`. */
export async function withErrno<Value>(doing: string, action: () => Promise<Value>): Promise<Value> {
  try {
    return await action();
  } catch (error) {
    throw asFault(doing, error);
  }
}

/** What `withErrno` throws for an error. */
export function asFault(doing: string, error: unknown): unknown {
  const errno = errnoOf(error);
  if (errno === null) return error;
  const advice = ADVICE[errno];
  const found = advice === undefined ? errno : `${errno}. ${advice}`;
  return new FaultError(CODES[errno] ?? 'io', `Cannot ${doing}: ${found}`, { cause: error });
}

/** "ENOENT" and its like; null for what is no failed system call. Node's own codes begin with ERR_. */
export function errnoOf(error: unknown): string | null {
  if (!(error instanceof Error && 'code' in error && typeof error.code === 'string')) return null;
  return /^E[A-Z0-9]+$/.test(error.code) ? error.code : null;
}
