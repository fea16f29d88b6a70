// Everything that is looked at after a power loss: the pool and the file system under root_path are sound, a daemon starts on them, what
// was acknowledged is there to the last byte, and what was not is whole or absent and can be asked for again.

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Config } from '../../../src/main/config/config.ts';
import { loadConfig, NO_FLAGS } from '../../../src/main/config/load-config.ts';
import { TaskPool, UNWATCHED } from '../../../src/main/task-pool.ts';
import { FaultError } from '../../../src/shared/faults.ts';
import { MIB, parseBytes } from '../../../src/shared/units.ts';
import type { ConfigTable } from '../../support/daemon.ts';
import type { MountSeen } from '../../support/model/calls.ts';
import { CoreLife } from './core-life.ts';
import { thinPoolConfig } from './daemon.ts';
import { Devices, withMount } from './kernel.ts';
import { after, agreedByAll, type Moment, type Moments, type State, type Step } from './ledger.ts';
import { POOL } from './pool.ts';
import { shell } from './shell.ts';
import { Slices } from './slices.ts';

const WORKERS = 2;
/** Of a base: the least that leaves room for its journal and some files. */
const BASE_BYTES = 16 * MIB;
const FILE_BYTES = 16_384;
/** What an in-flight step answers when it was done before. */
const DONE_BEFORE = new Set(['already-exists', 'not-found']);

interface Parts {
  readonly devices: Devices;
  readonly tasks: TaskPool;
  readonly config: Config;
}

export class PowerRig {
  readonly slices: Slices;
  readonly directory: string;
  readonly devices: Devices;
  readonly tasks: TaskPool;
  readonly #config: Config;

  private constructor(directory: string, slices: Slices, { devices, tasks, config }: Parts) {
    this.directory = directory;
    this.slices = slices;
    this.devices = devices;
    this.tasks = tasks;
    this.#config = config;
  }

  static async open(settings: Partial<Config> = {}): Promise<PowerRig> {
    const directory = await mkdtemp(join(tmpdir(), 'thinsnap-test-'));
    const devices = await Devices.open();
    const slices = new Slices(directory, devices);
    const { config: defaults } = await loadConfig({ file: null, flags: NO_FLAGS });
    const config: Config = {
      ...defaults,
      rootPath: slices.rootPath,
      volumes: 'thin-pool',
      poolName: POOL,
      engine: 'ioctl',
      baseImageSize: parseBytes(BASE_BYTES),
      minFreeSpace: { kind: 'percent', percent: 1 },
      ...settings,
    };
    const tasks = await TaskPool.open({ engine: 'ioctl', workers: WORKERS, ...UNWATCHED });
    await mkdir(join(directory, 'files'));
    return new PowerRig(directory, slices, { devices, tasks, config });
  }

  async close(): Promise<void> {
    this.slices.tools.end();
    await this.tasks.close();
    await rm(this.directory, { recursive: true, force: true });
  }

  /** A daemon's core on the slices that are open. */
  async begin(): Promise<CoreLife> {
    await mkdir(this.slices.rootPath, { recursive: true, mode: 0o700 });
    return CoreLife.open(this.#config, this.tasks);
  }

  /** Of a whole daemon on the same. */
  get daemonConfig(): ConfigTable {
    return {
      ...thinPoolConfig('ioctl'),
      pool_name: POOL,
      root_path: this.slices.rootPath,
      base_image_size: `${BASE_BYTES}`,
      min_free_space: '1%',
    };
  }

  /** The file with the contents that its name asks for, to copy from. */
  async file(name: string): Promise<string> {
    const path = join(this.directory, 'files', name);
    await writeFile(path, contentsOf(name));
    return path;
  }

  /** What a client asks for, or does to what it has mounted. */
  async take(life: CoreLife, step: Step): Promise<void> {
    if (step.kind === 'Write') await this.put(await life.mountOf(step.key), step);
    else await life.take(step);
  }

  /** As a client that has the snapshot mounted; the file is synced when `synced` runs, a command of the shell. */
  async put(mount: MountSeen, { key, file }: Extract<Step, { kind: 'Write' }>, synced = 'true'): Promise<void> {
    const { type, source, options } = mount;
    const from = await this.file(file);
    const dir = join(this.directory, `mnt-${key}`);
    const mounted = `mkdir -p ${dir} && mount -t ${type} -o ${['rw', ...options].join()} ${source} ${dir} || exit 1`;
    const put = `dd if=${from} of=${dir}/${file} bs=${FILE_BYTES} conv=fsync status=none && ${synced}`;
    // An unmount that fails leaves what it may to `Slices.abandon`.
    await shell('sh', '-c', `${mounted}; ${put}; status=$?; umount ${dir}; exit $status`);
  }

  /** The whole look at one moment on slices that are open; they are closed when it answers. */
  async look(moments: Moments): Promise<void> {
    const life = await this.begin();
    try {
      await this.compare(life, moments);
      await life.quiet();
    } finally {
      await life.close();
    }
    const held = [...(await this.slices.close())].sort();
    const named = [...life.thinIds].sort();
    assert.ok(held.join() === named.join(), `the pool has thin ids ${held.join()}, and records name ${named.join()}`);
  }

  /** What is there held against what clients were told; answers what is there, each client's, once it was asked for again. */
  async compare(life: CoreLife, moments: Moments): Promise<ReadonlyMap<string, State>> {
    const shared = moments.get('')?.state ?? new Map<string, never>();
    const states = agreedByAll(moments, await life.list());
    await this.contents(life, new Map([...states.values()].flatMap((state) => [...state])));
    for (const [prefix, moment] of moments) {
      states.set(prefix, await this.#again(life, moment, { state: states.get(prefix) ?? moment.state, shared }));
    }
    return states;
  }

  /** Every file that counts is whole, and no file system needs a repair. */
  async contents(life: CoreLife, state: State): Promise<void> {
    for (const [key, { kind, files }] of state) {
      const viewed = `${key}.seen`;
      if (kind === 'committed') await life.take({ kind: 'View', key: viewed, parent: key });
      const mount = await life.mountOf(kind === 'committed' ? viewed : key);
      const question = `${mount.type} ${mount.options.join()} ${files.join()}`;
      const wrong = await this.slices.verdicts.of(question, mount.source, () => this.#wrongIn(mount, files));
      assert.is(wrong, '', `what is in ${key}: ${wrong}`);
      if (kind === 'committed') await life.take({ kind: 'Remove', key: viewed });
    }
  }

  /** The files that are not whole; fails when e2fsck finds something. */
  async #wrongIn(mount: MountSeen, files: readonly string[]): Promise<string> {
    const dir = join(this.directory, 'seen');
    await mkdir(dir, { recursive: true });
    const wrong = await withMount({ ...mount, dir }, async () => {
      const found = await Promise.all(files.map((name) => readFile(join(dir, name), 'utf8').catch(String)));
      return files.filter((name, index) => found[index] !== contentsOf(name));
    });
    await this.slices.tools.run(`e2fsck -fn ${mount.source}`);
    return wrong.join();
  }

  /** What nobody has answered is asked again, and done then. */
  async #again(
    life: CoreLife,
    { state: before, pending }: Moment,
    { state, shared }: { state: State; shared: State },
  ): Promise<State> {
    if (pending === null || pending.kind === 'Write') return state;
    const isDone = state !== before;
    const code = await life.take(pending).then(
      () => 'OK',
      (error: unknown) => {
        if (error instanceof FaultError) return error.code;
        throw error;
      },
    );
    if (code !== 'OK' || (isDone && pending.kind !== 'Update')) {
      assert.ok(isDone && DONE_BEFORE.has(code), `${JSON.stringify(pending)} answers ${code}, done before: ${isDone}`);
    }
    return isDone ? state : after(before, pending, shared);
  }
}

function contentsOf(name: string): string {
  return `${name}\n`.repeat(FILE_BYTES).slice(0, FILE_BYTES);
}
