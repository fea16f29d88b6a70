// What an errno from device-mapper means, in one table for both engines. The same number means different things to
// different calls: EEXIST is a taken name on create and a taken thin id in a message (dm-ioctl.c, dm-thin.c).

import { constants } from 'node:os';
import { type FaultCode, FaultError } from '../../shared/faults.ts';

const VERBS = {
  version: 'ask the version of',
  list: 'list the devices of',
  info: 'look at',
  create: 'create',
  load: 'load a table into',
  resume: 'resume',
  suspend: 'suspend',
  remove: 'remove',
  message: 'send a message to',
  status: 'read the status of',
  table: 'read the table of',
} as const;

export type DeviceCall = keyof typeof VERBS;

// thin_ctr answers ENODATA on load when its pool does not hold the id, as the messages do.
const CODES: Readonly<Record<string, FaultCode>> = {
  ENXIO: 'device-missing',
  EBUSY: 'device-busy',
  ENODATA: 'thin-id-missing',
  ENOSPC: 'no-space',
};

const CREATE_CODES: Readonly<Record<string, FaultCode>> = { ...CODES, EBUSY: 'device-exists', EEXIST: 'device-exists' };

// A pool that went read-only refuses messages with EOPNOTSUPP; EIO is its metadata failing.
const MESSAGE_CODES: Readonly<Record<string, FaultCode>> = {
  ...CODES,
  EEXIST: 'thin-id-taken',
  EOPNOTSUPP: 'pool-unsound',
  EIO: 'pool-unsound',
};

// 95 and 11 have two names each on Linux; the kernel's sources say EOPNOTSUPP and EAGAIN.
const ALIASES: readonly string[] = ['ENOTSUP', 'EWOULDBLOCK'];

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.errno)
    .filter(([name]) => !ALIASES.includes(name))
    .map(([name, number]) => [number, name]),
);

export function errnoName(errno: number): string {
  return NAMES.get(errno) ?? `errno ${errno}`;
}

/** `detail`: what was being done beyond the call itself, a message's text for one; may be empty. */
export interface FailedCall {
  readonly call: DeviceCall;
  readonly device: string;
  readonly detail: string;
}

export function deviceFault(failed: FailedCall, errno: string, options?: ErrorOptions): FaultError {
  const detail = failed.detail === '' ? '' : ` (${failed.detail})`;
  return new FaultError(
    codeFor(failed.call, errno),
    `Cannot ${VERBS[failed.call]} "${failed.device}"${detail}: ${errno}`,
    options,
  );
}

function codeFor(call: DeviceCall, errno: string): FaultCode {
  if (call === 'create') return CREATE_CODES[errno] ?? 'io';
  if (call === 'message') return MESSAGE_CODES[errno] ?? 'io';
  return CODES[errno] ?? 'io';
}
