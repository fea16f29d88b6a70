// Everything that is looked at after a power loss: the pool and the file system under root_path are sound, a daemon starts on them, what
// was acknowledged is there to the last byte, and what was not is whole or absent and can be asked for again.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Config } from '../../../src/main/config/config.ts';
import { loadConfig, NO_FLAGS } from '../../../src/main/config/load-config.ts';
import { TaskPool, UNWATCHED } from '../../../src/main/task-pool.ts';
import { FaultError } from '../../../src/shared/faults.ts';
import { MIB, parseBytes } from '../../../src/shared/units.ts';
import type { MountSeen } from '../../support/model/calls.ts';
import { CoreLife } from './core-life.ts';
import { after, agreedByAll, type Moment, type Moments, type State, type Step } from './ledger.ts';
import { POOL } from './pool.ts';
import { shell } from './shell.ts';
import { Slices } from './slices.ts';

const WORKERS = 2;
/** Of a base: the least that leaves room for its journal and some files. */
export const BASE_BYTES = 16 * MIB;
const FILE_BYTES = 16_384;
/** What an in-flight step answers when it was done before. */
const DONE_BEFORE = new Set(['already-exists', 'not-found']);

export class PowerRig {
  readonly slices: Slices;
  readonly directory: string;
  readonly tasks: TaskPool;
  readonly #config: Config;

  private constructor(directory: string, slices: Slices, { tasks, config }: { tasks: TaskPool; config: Config }) {
    this.directory = directory;
    this.slices = slices;
    this.tasks = tasks;
    this.#config = config;
  }

  static async open(settings: Partial<Config> = {}): Promise<PowerRig> {
    const directory = await mkdtemp(join(tmpdir(), 'thinsnap-test-'));
    const slices = new Slices(directory);
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
    return new PowerRig(directory, slices, { tasks, config });
  }

  async close(): Promise<void> {
    await this.tasks.close();
    await rm(this.directory, { recursive: true, force: true });
  }

  /** A daemon's core on the slices that are open. */
  async begin(): Promise<CoreLife> {
    await mkdir(this.slices.rootPath, { recursive: true, mode: 0o700 });
    return CoreLife.open(this.#config, this.tasks);
  }

  /** The file with the contents that its name asks for, to compare with and to copy from. */
  async file(name: string): Promise<string> {
    const path = join(this.directory, 'files', name);
    await writeFile(path, `${name}\n`.repeat(FILE_BYTES).slice(0, FILE_BYTES));
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
    const lines: string[] = [`dir=${join(this.directory, 'seen')}`, 'mkdir -p $dir'];
    for (const [key, { kind, files }] of state) {
      const viewed = `${key}.seen`;
      if (kind === 'committed') await life.take({ kind: 'View', key: viewed, parent: key });
      const { type, source, options } = await life.mountOf(kind === 'committed' ? viewed : key);
      lines.push(`mount -t ${type} -o ${['defaults', ...options].join()} ${source} $dir || echo ${key} is not mounted`);
      for (const name of files) lines.push(`cmp $dir/${name} ${await this.file(name)} || echo ${key} has not ${name}`);
      lines.push(`umount $dir`, `e2fsck -fn ${source} >$dir.log 2>&1 || { echo ${key}; cat $dir.log; }`);
    }
    const wrong = await shell('sh', '-c', `{ ${lines.join('\n')}\n} 2>&1`);
    assert.ok(wrong === '', `what is in the snapshots: ${wrong}`);
    for (const [key, { kind }] of state) {
      if (kind === 'committed') await life.take({ kind: 'Remove', key: `${key}.seen` });
    }
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
