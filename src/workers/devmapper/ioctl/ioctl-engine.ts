// The default engine: device-mapper's calls straight to the kernel. Each call blocks its thread, most of it waiting for
// RCU, so several workers get on side by side; none of it may run on the main thread.

import { failpoint } from '../../../shared/failpoints.ts';
import { FaultError } from '../../../shared/faults.ts';
import { deviceFault, type FailedCall } from '../device-fault.ts';
import type { DeviceInfo, DeviceNumber, Engine, NewDevice, StatusFlush, TargetLine } from '../engine.ts';
import type { Control } from './control.ts';
import { COMMAND, FLAG, HEADER_BYTES, IOCTL_BASE, packMessage, packRequest, packTable } from './pack.ts';
import { isBufferFull, unpackInfo, unpackNames, unpackNumber, unpackTargets, unpackVersion } from './unpack.ts';

const REPLY_BYTES = 2048;
// 16 MiB hold the names of 100,000 devices and more; the next step would be a reply gone mad.
const REPLY_BYTES_MAX = 16 * 1024 * 1024;
const REPLY_GROWTH = 4;
// Only a suspend waits in a way that a signal ends (dm.c, dm_wait_for_completion); it is then as if never asked.
const INTERRUPTED_TRIES_MAX = 20;

export class IoctlEngine implements Engine {
  readonly kind = 'ioctl';
  readonly #control: Control['call'];

  constructor(control: Control['call']) {
    this.#control = control;
  }

  async driverVersion(): Promise<string> {
    const failed = { call: 'version', device: 'device-mapper', detail: '' } as const;
    return unpackVersion(this.#ask(COMMAND.version, packRequest(headerOf('')), failed));
  }

  // The kernel lists uuids only since 4.45 (Linux 5.13), and each device of ours is asked for its state anyway.
  async list(uuidPrefix: string): Promise<readonly DeviceInfo[]> {
    const names = unpackNames(
      this.#askLarge(COMMAND.listDevices, headerOf(''), { call: 'list', device: 'device-mapper', detail: '' }),
    );
    return names.flatMap((name) => {
      const info = this.#infoOrNull(name);
      return info?.uuid.startsWith(uuidPrefix) === true ? [info] : [];
    });
  }

  async info(name: string): Promise<DeviceInfo> {
    const failed = { call: 'info', device: name, detail: '' } as const;
    return unpackInfo(this.#ask(COMMAND.info, packRequest(headerOf(name)), failed));
  }

  async create(device: NewDevice): Promise<DeviceNumber> {
    const { name, uuid, table } = device;
    const created = this.#ask(COMMAND.create, packRequest({ name, uuid, flags: 0 }), {
      call: 'create',
      device: name,
      detail: '',
    });
    try {
      await failpoint('device.created');
      this.#load(name, table, device.readOnly ? FLAG.readOnly : 0);
      await failpoint('device.loaded');
      this.#resume(name);
    } catch (error) {
      this.#undoCreate(name, error);
    }
    return unpackNumber(created);
  }

  async remove(name: string): Promise<void> {
    this.#remove(name);
  }

  async suspend(name: string): Promise<void> {
    const failed = { call: 'suspend', device: name, detail: '' } as const;
    this.#ask(COMMAND.suspend, packRequest({ name, uuid: '', flags: FLAG.suspend }), failed);
  }

  async resume(name: string): Promise<void> {
    this.#resume(name);
  }

  async reload(name: string, table: TargetLine): Promise<void> {
    this.#load(name, table, 0);
    try {
      // A resume puts the loaded table in place, and suspends the old one for it (do_resume in dm-ioctl.c) ...
      this.#resume(name);
    } catch (error) {
      // ... which it leaves suspended when the new one does not fit.
      this.#resume(name);
      throw error;
    }
  }

  async message(name: string, text: string): Promise<void> {
    this.#ask(COMMAND.message, packMessage(headerOf(name), text), { call: 'message', device: name, detail: text });
  }

  async status(name: string, flush: StatusFlush): Promise<readonly TargetLine[]> {
    const flags = flush === 'noflush' ? FLAG.noFlush : 0;
    const failed = { call: 'status', device: name, detail: '' } as const;
    return unpackTargets(this.#askLarge(COMMAND.status, { name, uuid: '', flags }, failed));
  }

  async table(name: string): Promise<readonly TargetLine[]> {
    const header = { name, uuid: '', flags: FLAG.statusTable | FLAG.noFlush };
    return unpackTargets(this.#askLarge(COMMAND.status, header, { call: 'table', device: name, detail: '' }));
  }

  #load(name: string, table: TargetLine, flags: number): void {
    const detail = `${table.target} ${table.parameters}`;
    this.#ask(COMMAND.load, packTable({ name, uuid: '', flags }, table), { call: 'load', device: name, detail });
  }

  #resume(name: string): void {
    this.#ask(COMMAND.suspend, packRequest(headerOf(name)), { call: 'resume', device: name, detail: '' });
  }

  #remove(name: string): void {
    this.#ask(COMMAND.remove, packRequest(headerOf(name)), { call: 'remove', device: name, detail: '' });
  }

  /** Throws `error` again, with what is left of the device where it could not be removed. */
  #undoCreate(name: string, error: unknown): never {
    try {
      this.#remove(name);
    } catch (left) {
      if (error instanceof FaultError && left instanceof FaultError) {
        throw new FaultError(error.code, `${error.message}; the device is left: ${left.message}`, { cause: error });
      }
    }
    throw error;
  }

  #infoOrNull(name: string): DeviceInfo | null {
    const buffer = packRequest(headerOf(name));
    const errno = this.#call(COMMAND.info, buffer);
    if (errno === null) return unpackInfo(buffer);
    if (errno === 'ENXIO') return null;
    throw deviceFault({ call: 'info', device: name, detail: '' }, errno);
  }

  #ask(command: number, buffer: Buffer, failed: FailedCall): Buffer {
    const errno = this.#call(command, buffer);
    if (errno !== null) throw deviceFault(failed, errno);
    return buffer;
  }

  /** Asks again with a larger buffer for as long as the kernel says that its reply did not fit. */
  #askLarge(command: number, header: Parameters<typeof packRequest>[0], failed: FailedCall): Buffer {
    for (let sizeBytes = REPLY_BYTES; sizeBytes <= REPLY_BYTES_MAX; sizeBytes *= REPLY_GROWTH) {
      const buffer = this.#ask(command, packRequest(header, HEADER_BYTES + sizeBytes), failed);
      if (!isBufferFull(buffer)) return buffer;
    }
    throw deviceFault(failed, `a reply of more than ${REPLY_BYTES_MAX} bytes`);
  }

  #call(command: number, buffer: Buffer): string | null {
    let errno: string | null = 'EINTR';
    for (let tries = 0; errno === 'EINTR' && tries < INTERRUPTED_TRIES_MAX; tries += 1) {
      errno = this.#control(IOCTL_BASE + command, buffer);
    }
    return errno;
  }
}

function headerOf(name: string): { name: string; uuid: string; flags: number } {
  return { name, uuid: '', flags: 0 };
}
