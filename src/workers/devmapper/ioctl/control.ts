// The door to /dev/mapper/control, and the only file that knows koffi. Synchronous calls only, in worker threads only:
// koffi's asynchronous call does not hold its Buffer, and the kernel then writes into freed memory (seen).

import { closeSync, openSync } from 'node:fs';
import { FaultError } from '../../../shared/faults.ts';
import { errnoOf } from '../../errno.ts';
import { errnoName } from '../device-fault.ts';

const CONTROL_PATH = '/dev/mapper/control';

export interface Control {
  /** One ioctl. Answers null, or the errno's name; `buffer` holds the kernel's reply afterwards. */
  readonly call: (request: number, buffer: Buffer) => string | null;
  close(): void;
}

/** Fault `unsupported`, with the reason, where koffi cannot load or the control device cannot be opened. */
export async function openControl(): Promise<Control> {
  const ioctl = await loadIoctl();
  const descriptor = openDescriptor();
  return {
    call: (request, buffer) => {
      const errno = ioctl(descriptor, request, buffer);
      return errno === 0 ? null : errnoName(errno);
    },
    close: () => closeSync(descriptor),
  };
}

async function loadIoctl(): Promise<(descriptor: number, request: number, buffer: Buffer) => number> {
  try {
    const { default: koffi } = await import('koffi');
    // null: the process itself, which has its C library's symbols, whichever library that is.
    const native = koffi.load(null).func('int ioctl(int descriptor, unsigned long request, void *buffer)');
    return (descriptor, request, buffer) => {
      const answer: unknown = native(descriptor, request, buffer);
      const errno = koffi.errno();
      return answer === 0 ? 0 : errno;
    };
  } catch (error) {
    throw unsupported('load koffi', error);
  }
}

function openDescriptor(): number {
  try {
    return openSync(CONTROL_PATH, 'r+');
  } catch (error) {
    throw unsupported(`open ${CONTROL_PATH}`, error);
  }
}

function unsupported(action: string, error: unknown): FaultError {
  const found = errnoOf(error) ?? String(error);
  return new FaultError('unsupported', `Cannot ${action}: ${found}`, { cause: error });
}
