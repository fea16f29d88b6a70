// The second engine: the same calls through the `dmsetup` command, for hosts where koffi cannot load, and as the judge of
// the first. Tables go through stdin, since arguments hold no spaces. The texts of dmsetup are matched here and nowhere else.

import { FaultError, isFault, toFault } from '../../shared/faults.ts';
import { parseSectors } from '../../shared/units.ts';
import { runTool, ToolError, type ToolLimits, type ToolOutput } from '../exec.ts';
import { type DeviceCall, deviceFault, type FailedCall } from './device-fault.ts';
import type { DeviceInfo, DeviceNumber, Engine, NewDevice, StatusFlush, TargetLine } from './engine.ts';

// A suspend writes back what the device has in flight first.
const DMSETUP_TIMEOUT_MS = 60_000;
// 16 MiB hold 100,000 devices and more.
const REPORT_MAX_BYTES = 16 * 1024 * 1024;

const REPORT = ['info', '-c', '--noheadings', '--separator', ',', '-o', 'name,uuid,major,minor,open,attr'] as const;

/** What the C library says for an errno under LC_ALL=C, of those that a fault depends on. */
const ERRNO_TEXTS: Readonly<Record<string, string>> = {
  'No such device or address': 'ENXIO',
  'Device or resource busy': 'EBUSY',
  'File exists': 'EEXIST',
  'No data available': 'ENODATA',
  'No space left on device': 'ENOSPC',
  'Operation not supported': 'EOPNOTSUPP',
  'Input/output error': 'EIO',
  'Invalid argument': 'EINVAL',
};

/** dmsetup's own words for the calls that one command makes on the way. */
const CALL_WORDS: Readonly<Record<string, DeviceCall>> = { create: 'create', reload: 'load', resume: 'resume' };

/** As `runTool`: replaced in tests. */
export type RunDmsetup = (toolArguments: readonly string[], limits: ToolLimits) => Promise<ToolOutput>;

export class DmsetupEngine implements Engine {
  readonly kind = 'dmsetup';
  readonly #runDmsetup: RunDmsetup;

  constructor(runDmsetup: RunDmsetup = (toolArguments, limits) => runTool('dmsetup', toolArguments, limits)) {
    this.#runDmsetup = runDmsetup;
  }

  async driverVersion(): Promise<string> {
    const stdout = await this.#run(['version'], { call: 'version', device: 'device-mapper', detail: '' });
    const version = /^Driver version:\s+(\d+\.\d+\.\d+)$/m.exec(stdout)?.[1];
    if (version === undefined) throw unreadable('version', stdout);
    return version;
  }

  async list(uuidPrefix: string): Promise<readonly DeviceInfo[]> {
    const stdout = await this.#run(REPORT, { call: 'list', device: 'device-mapper', detail: '' });
    if (stdout.trim() === 'No devices found') return [];
    return linesOf(stdout)
      .map(parseInfo)
      .filter(({ uuid }) => uuid.startsWith(uuidPrefix));
  }

  async info(name: string): Promise<DeviceInfo> {
    return parseInfo((await this.#run([...REPORT, '--', name], { call: 'info', device: name, detail: '' })).trim());
  }

  async create(device: NewDevice): Promise<DeviceNumber> {
    const { name, uuid, readOnly, table } = device;
    const options = readOnly ? ['--readonly', '--uuid', uuid] : ['--uuid', uuid];
    const failed = { call: 'create', device: name, detail: `${table.target} ${table.parameters}` } as const;
    try {
      await this.#run(['create', ...options, '--', name], failed, toText(table));
      return (await this.info(name)).number;
    } catch (error) {
      if (!isFault(error, 'device-exists')) await this.#undoCreate(device, error);
      throw error;
    }
  }

  async remove(name: string): Promise<void> {
    await this.#run(['remove', '--', name], { call: 'remove', device: name, detail: '' });
  }

  async suspend(name: string): Promise<void> {
    await this.#run(['suspend', '--', name], { call: 'suspend', device: name, detail: '' });
  }

  async resume(name: string): Promise<void> {
    await this.#run(['resume', '--', name], { call: 'resume', device: name, detail: '' });
  }

  async reload(name: string, table: TargetLine): Promise<void> {
    const detail = `${table.target} ${table.parameters}`;
    await this.#run(['load', '--', name], { call: 'load', device: name, detail }, toText(table));
    try {
      await this.resume(name);
    } catch (error) {
      // The kernel leaves the device suspended when the new table does not fit.
      await this.resume(name);
      throw error;
    }
  }

  async message(name: string, text: string): Promise<void> {
    const failed = { call: 'message', device: name, detail: text } as const;
    await this.#run(['message', '--', name, '0', ...text.split(' ')], failed);
  }

  async status(name: string, flush: StatusFlush): Promise<readonly TargetLine[]> {
    const options = flush === 'noflush' ? ['--noflush'] : [];
    const failed = { call: 'status', device: name, detail: '' } as const;
    return linesOf(await this.#run(['status', ...options, '--', name], failed)).map(parseLine);
  }

  async table(name: string): Promise<readonly TargetLine[]> {
    return linesOf(await this.#run(['table', '--', name], { call: 'table', device: name, detail: '' })).map(parseLine);
  }

  /** dmsetup takes back what it could not finish; one that was ended did not come to that. */
  async #undoCreate(device: NewDevice, error: unknown): Promise<void> {
    try {
      const left = await this.info(device.name);
      if (left.uuid === device.uuid) await this.remove(device.name);
    } catch (undoError) {
      if (isFault(undoError, 'device-missing')) return;
      const { code, message } = toFault(error);
      throw new FaultError(code, `${message}; the device may be left: ${toFault(undoError).message}`, { cause: error });
    }
  }

  async #run(toolArguments: readonly string[], failed: FailedCall, input = ''): Promise<string> {
    const limits = { timeoutMs: DMSETUP_TIMEOUT_MS, wholeMaxBytes: REPORT_MAX_BYTES, input };
    try {
      return (await this.#runDmsetup(toolArguments, limits)).stdout;
    } catch (error) {
      throw error instanceof ToolError ? toDeviceFault(error, failed) : error;
    }
  }
}

/** `device-mapper: reload ioctl on NAME (253:4) failed: No data available`, or `Device does not exist.` */
function toDeviceFault(error: ToolError, failed: FailedCall): FaultError {
  if (error.exitCode === null) return error;
  if (/^Device does not exist\.$/m.test(error.stderr)) return deviceFault(failed, 'ENXIO', { cause: error });
  const match = /^device-mapper: (\w+) ioctl on .* failed: (.+)$/m.exec(error.stderr);
  const [, word = '', text = ''] = match ?? [];
  const errno = ERRNO_TEXTS[text];
  if (errno === undefined) return error;
  return deviceFault({ ...failed, call: CALL_WORDS[word] ?? failed.call }, errno, { cause: error });
}

/** `NAME,UUID,MAJOR,MINOR,OPEN,ATTR`; ATTR is (L)ive, (I)nactive, (s)uspended, read-(w)rite or (r)ead-only, `-` for not. */
function parseInfo(line: string): DeviceInfo {
  const match = /^([^,]+),([^,]*),(\d+),(\d+),(\d+),([L-])[I-]([s-])([rw])$/.exec(line);
  if (match === null) throw unreadable('info', line);
  const [, name = '', uuid = '', major, minor, openCount, live, suspended, mode] = match;
  return {
    name,
    uuid,
    number: { major: Number(major), minor: Number(minor) },
    openCount: Number(openCount),
    live: live === 'L',
    suspended: suspended === 's',
    readOnly: mode === 'r',
  };
}

/** `START LENGTH TARGET PARAMETERS`. */
function parseLine(line: string): TargetLine {
  const match = /^(\d+) (\d+) (\S+) ?(.*)$/.exec(line);
  if (match === null) throw unreadable('a table or status', line);
  const [, start, length, target = '', parameters = ''] = match;
  return {
    startSectors: parseSectors(Number(start)),
    lengthSectors: parseSectors(Number(length)),
    target,
    parameters,
  };
}

function toText({ startSectors, lengthSectors, target, parameters }: TargetLine): string {
  return `${startSectors} ${lengthSectors} ${target} ${parameters}\n`;
}

function linesOf(stdout: string): readonly string[] {
  return stdout.split('\n').filter((line) => line !== '');
}

function unreadable(what: string, found: string): FaultError {
  return new FaultError('io', `Cannot read what dmsetup answers for ${what}: ${JSON.stringify(found)}`);
}
