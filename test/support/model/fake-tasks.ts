// The workers' tasks on a FakePool: the same steps in the same order as the real ones, each of which waits for its turn
// and may fail. So everything that main decides runs as it is, and a daemon may be killed between any two steps.

import type { TaskPool } from '../../../src/main/task-pool.ts';
import { type Fault, FaultError, toFault } from '../../../src/shared/faults.ts';
import type {
  Activation,
  KernelDevice,
  Origin,
  PoolStatus,
  TaskAnswer,
  TaskArgs,
  TaskHandlers,
} from '../../../src/shared/tasks.ts';
import { type Bytes, parseBytes, type ThinId } from '../../../src/shared/units.ts';
import { ToolError } from '../../../src/workers/exec.ts';
import { type NoteUndo, withUndo } from '../../../src/workers/undo.ts';
import { BLOCK_BYTES, type FakePool } from './fake-pool.ts';
import type { StepFailure, Troubles } from './troubles.ts';
import type { Process } from './world.ts';

/** As the real tasks do (devmapper/pool.ts). */
const RESUME_TRIES_MAX = 3;
/** How long a task hangs: others have ended several calls by then. */
const HANG_STEPS = 60;

interface FakeTasksOptions {
  readonly process: Pick<Process, 'step'>;
  readonly pool: FakePool;
  readonly troubles: Troubles;
  readonly stamp: () => number;
}

export class FakeTasks {
  readonly #options: FakeTasksOptions;
  /** Devices that some task is at work on. */
  readonly #touched = new Set<string>();

  constructor(options: FakeTasksOptions) {
    this.#options = options;
  }

  readonly run: TaskPool['run'] = async (name, args) => {
    const { troubles, stamp } = this.#options;
    const task = new RunningTask(this.#options, this.#touched);
    try {
      return await task.handlers[name](args);
    } catch (caught) {
      // Whatever a worker that ended would have made of it, nobody hears.
      const error = task.isDead ? workerDied() : caught;
      if (error instanceof FaultError) troubles.caused.push({ stamp: stamp(), code: error.code });
      throw error;
    }
  };
}

class RunningTask {
  readonly #options: FakeTasksOptions;
  readonly #touched: Set<string>;
  #dead = false;

  constructor(options: FakeTasksOptions, touched: Set<string>) {
    this.#options = options;
    this.#touched = touched;
  }

  get isDead(): boolean {
    return this.#dead;
  }

  readonly handlers: TaskHandlers = {
    createSnap: (args) => this.#alone([args.activation.name, nameOf(args.origin)], () => this.#createSnap(args)),
    createBase: ({ activation }) => this.#alone([activation.name], () => this.#createBase(activation)),
    snapActive: (args) => this.#alone([nameOf(args.origin)], () => this.#snapActive(args)),
    activate: (activation) => this.#alone([activation.name], () => this.#activate(activation)),
    deactivate: ({ name }) => this.#alone([name], () => this.#remove(name)),
    sealThin: ({ name }) => this.#alone([name], () => this.#seal(name)),
    thinMapped: ({ name }) => this.#alone([name], () => this.#mapped(name)),
    discardThin: (activation) => this.#alone([activation.name], () => this.#discard(activation)),
    deleteThins: (args) => this.#deleteAll(args),
    growThin: ({ name }) => this.#alone([name], () => this.#step('grow', name, () => undefined)),
    resume: ({ name }) => this.#resume(name),
    listDevices: ({ uuidPrefix }) => this.#list(uuidPrefix),
    poolStatus: () => this.#status(),
    ...NOT_HERE,
  };

  /** The calls on one device must come one after another: that is what lanes are for. */
  async #alone<T>(names: readonly (string | null)[], action: () => Promise<T>): Promise<T> {
    const own = names.filter((name) => name !== null);
    for (const name of own) {
      if (this.#touched.has(name)) this.#options.pool.violations.push(`two tasks at once on ${name}`);
      this.#touched.add(name);
    }
    try {
      return await action();
    } finally {
      for (const name of own) this.#touched.delete(name);
    }
  }

  async #step<T>(verb: string, what: string, act: (pool: FakePool) => T): Promise<T> {
    if (this.#dead) throw workerDied();
    await this.#options.process.step(`${verb} ${what}`);
    const failure = this.#options.troubles.next(verb);
    if (failure !== null) return this.#fail(failure, `${verb} ${what}`, act);
    return act(this.#options.pool);
  }

  async #fail<T>(failure: StepFailure, what: string, act: (pool: FakePool) => T): Promise<T> {
    const { pool, process } = this.#options;
    if (failure === 'worker-dies' || failure === 'worker-dies-late') {
      if (failure === 'worker-dies-late') act(pool);
      this.#dead = true;
      throw workerDied();
    }
    if (failure !== 'hangs' && failure !== 'times-out' && failure !== 'times-out-late') {
      throw new FaultError(failure, `Cannot ${what}: planned`);
    }
    await process.step(`${what} ${failure}`, HANG_STEPS);
    if (failure === 'times-out') throw timedOut(what);
    const answer = act(pool);
    if (failure === 'times-out-late') throw timedOut(what);
    return answer;
  }

  #status(): Promise<PoolStatus> {
    return this.#step('status', 'pool', (pool) => pool.status);
  }

  #createSnap({ activation, origin }: TaskArgs<'createSnap'>): Promise<PoolStatus> {
    return withUndo(async (note) => {
      await this.#whileSuspended(origin, () => this.#snap(activation.thinId, origin, note));
      await this.#create(activation, note);
      return this.#status();
    });
  }

  #createBase(activation: Activation): Promise<TaskAnswer<'createBase'>> {
    const { name, thinId } = activation;
    return withUndo(async (note) => {
      await this.#step('create_thin', String(thinId), (pool) => pool.createThin(thinId));
      note(`thin id ${thinId}`, () => this.#delete(thinId));
      await this.#create(activation, note);
      const mappedBytes = await this.#step('mkfs', name, (pool) => pool.mapped(name));
      await this.#remove(name);
      return { mappedBytes, status: await this.#status() };
    });
  }

  #snapActive({ thinId, origin }: TaskArgs<'snapActive'>): Promise<TaskAnswer<'snapActive'>> {
    return withUndo(async (note) => {
      const mappedBytes = await this.#whileSuspended(origin, async () => {
        await this.#snap(thinId, origin, note);
        return this.#step('status', `thin ${thinId}`, (pool) => bytesOf(pool, thinId));
      });
      return { mappedBytes, status: await this.#status() };
    });
  }

  async #snap(thinId: ThinId, origin: Origin, note: NoteUndo): Promise<void> {
    await this.#step('create_snap', `${thinId} of ${origin.thinId}`, (pool) => pool.createSnap(thinId, origin.thinId));
    note(`thin id ${thinId}`, () => this.#delete(thinId));
  }

  async #create(activation: Activation, note: NoteUndo): Promise<void> {
    await this.#step('create', activation.name, (pool) => pool.createDevice(activation));
    note(`device ${activation.name}`, () => this.#remove(activation.name));
  }

  async #whileSuspended<T>(origin: Origin, action: () => Promise<T>): Promise<T> {
    if (origin.state === 'resting') return action();
    try {
      await this.#step('suspend', origin.name, (pool) => pool.suspend(origin.name, true));
      return await action();
    } finally {
      await this.#resume(origin.name);
    }
  }

  async #resume(name: string): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        await this.#step('resume', name, (pool) => pool.suspend(name, false));
        return;
      } catch (error) {
        if (tries === RESUME_TRIES_MAX) throw error;
      }
    }
  }

  async #activate(activation: Activation): Promise<void> {
    const { name, readOnly } = activation;
    const found = await this.#step('info', name, (pool) => pool.devices.get(name) ?? null);
    if (found?.readOnly === readOnly) {
      if (found.suspended) await this.#resume(name);
      return;
    }
    if (found !== null) await this.#remove(name);
    await this.#step('create', name, (pool) => pool.createDevice(activation));
  }

  async #seal(name: string): Promise<TaskAnswer<'sealThin'>> {
    const open = await this.#step('info', name, (pool) => pool.device(name).opens > 0);
    const mappedBytes = await this.#mapped(name);
    return { open, mappedBytes, status: await this.#status() };
  }

  #mapped(name: string): Promise<Bytes> {
    return this.#step('status', name, (pool) => pool.mapped(name));
  }

  /** What is gone already is no fault. */
  async #remove(name: string): Promise<void> {
    await this.#step('remove', name, (pool) => {
      const device = pool.devices.get(name);
      if (device !== undefined) device.suspended = false;
      pool.removeDevice(name);
    });
  }

  async #deleteAll({ thinIds }: TaskArgs<'deleteThins'>): Promise<TaskAnswer<'deleteThins'>> {
    const failed = new Map<ThinId, Fault>();
    for (const thinId of thinIds) {
      try {
        await this.#delete(thinId);
      } catch (error) {
        const fault = toFault(error);
        failed.set(thinId, fault);
        this.#options.troubles.caused.push({ stamp: this.#options.stamp(), code: fault.code });
      }
    }
    return { status: await this.#status(), failed };
  }

  async #delete(thinId: ThinId): Promise<void> {
    await this.#step('delete', String(thinId), (pool) => {
      if (pool.thins.has(thinId)) pool.deleteThin(thinId);
    });
  }

  async #discard(activation: Activation): Promise<void> {
    const { name, thinId } = activation;
    const found = await this.#step('info', name, (pool) => (pool.thins.has(thinId) ? 'there' : 'gone'));
    if (found === 'gone') return;
    await this.#activate({ ...activation, readOnly: false });
    await this.#step('discard', name, (pool) => pool.discard(name));
  }

  #list(uuidPrefix: string): Promise<readonly KernelDevice[]> {
    return this.#step('list', 'devices', (pool) => pool.list(uuidPrefix));
  }
}

const notHere = async (): Promise<never> => {
  throw new Error('The fake pool has no such task');
};
/** What opens a pool, and what blockfile volumes do. */
const NOT_HERE = {
  fenceOrphans: notHere,
  probe: notHere,
  machineFacts: notHere,
  poolTag: notHere,
  poolThinIds: notHere,
  makeLoopFiles: notHere,
  assemblePool: notHere,
  disassemblePool: notHere,
  poolFacts: notHere,
  extendPool: notHere,
  poolRoom: notHere,
  surveyDevice: notHere,
  lvmGroup: notHere,
  poolNeeds: notHere,
  poolStep: notHere,
  checkPool: notHere,
  repairPool: notHere,
  poolFootprints: notHere,
  createBaseFile: notHere,
  copyFile: notHere,
  sealFile: notHere,
  copyMountedFile: notHere,
  fileAllocated: notHere,
  reserveFile: notHere,
  fileFootprints: notHere,
  openFiles: notHere,
  removeFile: notHere,
  thawFiles: notHere,
};

function nameOf(origin: Origin): string | null {
  return origin.state === 'active' ? origin.name : null;
}

function bytesOf(pool: FakePool, thinId: ThinId): Bytes {
  return parseBytes((pool.thins.get(thinId)?.blocks ?? 0) * BLOCK_BYTES);
}

/** As a tool that was ended: what it did is not known. */
function timedOut(what: string): ToolError {
  const message = `Cannot ${what}: no answer in time, and it was ended`;
  return new ToolError({ code: 'timeout', message }, { exitCode: null, stderr: '' });
}

function workerDied(): FaultError {
  return new FaultError('unavailable', 'Cannot finish a task: its worker ended');
}
