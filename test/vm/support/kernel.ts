// What tests ask of the kernel itself where a process for it would take most of the time: under User Mode Linux a process costs a
// hundred times as much as a call. Devices come and go by the daemon's own engine, file systems by mount(2).

import koffi from 'koffi';
import { parseSectors } from '../../../src/shared/units.ts';
import { chooseEngine } from '../../../src/workers/devmapper/choose-engine.ts';
import type { Engine } from '../../../src/workers/devmapper/engine.ts';
import { createDevice, type OwnName, removeOwn } from '../../../src/workers/devmapper/thin-device.ts';

const MS_RDONLY = 1;
const library = koffi.load(null);
const mount = library.func('int mount(const char *, const char *, const char *, unsigned long, const char *)');
const umount = library.func('int umount(const char *)');

export interface MountedAt {
  readonly source: string;
  readonly type: string;
  /** As mount(8) takes them; of its own words only `ro`. */
  readonly options: readonly string[];
  readonly dir: string;
}

/** Runs `action` while it is mounted. */
export async function withMount<Answer>(what: MountedAt, action: () => Promise<Answer>): Promise<Answer> {
  mountAt(what);
  try {
    return await action();
  } finally {
    unmount(what.dir);
  }
}

export function mountAt({ source, type, options, dir }: MountedAt): void {
  const data = options.filter((option) => option !== 'ro').join();
  const flags = options.includes('ro') ? MS_RDONLY : 0;
  must(`mount ${source}`, mount(source, dir, type, flags, data));
}

export function unmount(dir: string): void {
  must(`unmount ${dir}`, umount(dir));
}

function must(action: string, answer: unknown): void {
  if (answer !== 0) throw new Error(`Cannot ${action}: errno ${koffi.errno()}`);
}

/** The devices of tests. */
export class Devices {
  readonly #engine: Engine;

  private constructor(engine: Engine) {
    this.#engine = engine;
  }

  static async open(): Promise<Devices> {
    return new Devices((await chooseEngine('ioctl')).engine);
  }

  /** `table`: one line, as dmsetup takes it. */
  async create(name: string, table: string, uuid = ''): Promise<void> {
    const [start, length, target = '', ...parameters] = table.split(' ');
    const line = {
      startSectors: parseSectors(Number(start)),
      lengthSectors: parseSectors(Number(length)),
      target,
      parameters: parameters.join(' '),
    };
    await createDevice(this.#engine, { name, uuid, readOnly: false, table: line });
  }

  /** Those whose names begin with `prefix`. */
  async list(prefix: string): Promise<readonly OwnName[]> {
    return (await this.#engine.list('')).filter(({ name }) => name.startsWith(prefix));
  }

  /** Waits for a short while for whoever has one open. */
  async remove(prefix: string): Promise<void> {
    for (const device of await this.list(prefix)) await removeOwn(this.#engine, device, 'returns');
  }
}
