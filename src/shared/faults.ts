// The one closed list of what can go wrong, and the only error that is thrown on purpose. An Error that crosses a
// thread loses its class and code, so workers answer `{ ok: false, fault }` and the task pool throws it again.

export const FAULT_CODES = [
  // What a client can cause and is told.
  'not-found',
  'already-exists',
  'invalid',
  'precondition',
  'unsupported',
  'no-space',
  'overloaded',
  'unavailable',
  'timeout',
  // What the kernel or a tool answered.
  'device-busy',
  'device-missing',
  'device-exists',
  'thin-id-taken',
  'thin-id-missing',
  'pool-unsound',
  'tool-missing',
  'io',
  // Our own mistake: main answers INTERNAL and stops, recovery does the rest.
  'bug',
] as const;

export type FaultCode = (typeof FAULT_CODES)[number];

/**
 * What a failed creation left. `nothing`: there is nothing of ours, so nothing may be removed: what is in its place is
 * another's. `something`: nobody can tell, and whoever asked sees to it.
 */
export type Leaves = 'nothing' | 'something';

/** A fault as a value: what crosses threads. */
export interface Fault {
  readonly code: FaultCode;
  readonly message: string;
  readonly leaves: Leaves;
}

interface FaultOptions extends ErrorOptions {
  readonly leaves?: Leaves;
}

export class FaultError extends Error {
  override readonly name = 'FaultError';
  readonly code: FaultCode;
  readonly leaves: Leaves;

  /** `message` says what could not be done, a colon, and what was found. */
  constructor(code: FaultCode, message: string, options?: FaultOptions) {
    super(message, options);
    this.code = code;
    this.leaves = options?.leaves ?? 'something';
  }
}

/** Any thrown value as a fault; what nobody foresaw is a `bug`, with its stack in the message. */
export function toFault(error: unknown): Fault {
  if (error instanceof FaultError) return { code: error.code, message: error.message, leaves: error.leaves };
  if (error instanceof Error) return { code: 'bug', message: error.stack ?? error.message, leaves: 'something' };
  return { code: 'bug', message: String(error), leaves: 'something' };
}

/** A fault that crossed a thread, to be thrown again. */
export function toError({ code, message, leaves }: Fault): FaultError {
  return new FaultError(code, message, { leaves });
}

export function isFault(error: unknown, ...codes: readonly FaultCode[]): error is FaultError {
  return error instanceof FaultError && codes.includes(error.code);
}

/** Stops on what can only be our own mistake. The message is constant: a template would be built even when all is well. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new FaultError('bug', message);
}
