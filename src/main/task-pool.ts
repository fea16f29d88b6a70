// The door to the workers: main names a task and gets its answer or its fault. No other file knows Piscina.
//
// Traps of Piscina 5 that shape this file (each was reproduced): `close()` kills running tasks, so what is in flight
// is awaited first and then `destroy()`; a running task is never aborted, since its thread would end while its system
// call runs on; an Error loses its class on the way, so workers answer faults as values.

import { availableParallelism } from 'node:os';
import { Piscina } from 'piscina';
import { failpointSetup } from '../shared/failpoints.ts';
import { FaultError, toError } from '../shared/faults.ts';
import { TASK_LANES, type TaskLane } from '../shared/task-lanes.ts';
import type { EngineChoice, TaskAnswer, TaskArgs, TaskName, TaskReply } from '../shared/tasks.ts';
import type { WorkerSetup } from '../shared/worker-setup.ts';
import { HUNG_AFTER_MS, type HungTask, TaskWatch } from './hung-tasks.ts';

/** Tasks that may wait in one lane for a thread. */
const QUEUE_MAX = 8192;
const SLOW_THREADS = 4;
/** Threads of the fast lane that are there from the start; each costs 10 MiB and 40 ms of CPU. */
const FAST_THREADS_MIN = 2;
/** A delete holds the pool's lock: one more is ready when it lets go, a third would only wait. */
const DELETE_THREADS = 2;
const FAST_THREADS_MAX = 16;
const FAST_THREADS_PER_CORE = 4;
/** Threads that a lane may get beyond its own, one for each that hangs. Once they are gone, too, its tasks wait. */
export const RELIEF_THREADS_MAX = 8;
/** Heap of one worker: its tasks hold a few buffers at a time. */
const WORKER_HEAP_MIB = 96;

export interface TaskPoolOptions {
  readonly engine: EngineChoice;
  /** Threads of the fast lane; 0: several for each core, since most of a device-mapper call is waiting for RCU. */
  readonly workers: number;
  /** A worker that died outside a task: to be logged. Piscina replaces it. */
  readonly onWorkerError: (error: Error) => void;
  /** What every tool inherits, and by which it is known when it outlives us; null: nothing. */
  readonly childLock: number | null;
  /** After so long, a task that has not come back hangs. */
  readonly hungAfterMs: Readonly<Record<TaskLane, number>>;
  /** A task that hangs, told once. */
  readonly onHung: (hung: HungTask) => void;
}

/** For who is no daemon: it waits for its few tasks itself, and no other start has to know its tools. */
export const UNWATCHED = {
  childLock: null,
  hungAfterMs: HUNG_AFTER_MS,
  onWorkerError: () => undefined,
  onHung: () => undefined,
} as const satisfies Partial<TaskPoolOptions>;

interface Lane {
  readonly piscina: Piscina;
  readonly watch: TaskWatch;
}

export class TaskPool {
  /** Tasks of the fast lane that run side by side. */
  readonly fastThreads: number;
  readonly #lanes: Record<TaskLane, Lane>;
  readonly #running = new Set<Promise<unknown>>();
  #open = true;

  private constructor(options: TaskPoolOptions) {
    const fast =
      options.workers > 0
        ? options.workers
        : Math.min(FAST_THREADS_MAX, availableParallelism() * FAST_THREADS_PER_CORE);
    this.fastThreads = fast;
    this.#lanes = {
      fast: openLane('fast', { min: Math.min(FAST_THREADS_MIN, fast), max: fast }, options),
      slow: openLane('slow', { min: 0, max: SLOW_THREADS }, options),
      delete: openLane('delete', { min: 0, max: DELETE_THREADS }, options),
    };
  }

  /** Starts the fast lane's first worker and waits until it is whole. The others come when they are needed, and stay. */
  static async open(options: TaskPoolOptions): Promise<TaskPool> {
    const pool = new TaskPool(options);
    await pool.#lanes.fast.piscina.run({ task: 'probe', args: {} });
    return pool;
  }

  /** Tasks that do not come back. What they were to change is not known until they do. */
  get hung(): readonly HungTask[] {
    return Object.values(this.#lanes).flatMap(({ watch }) => watch.hung);
  }

  /** Faults: the task's own; `overloaded` when too many wait; `unavailable` when stopping or when the worker died. */
  async run<Name extends TaskName>(name: Name, args: TaskArgs<Name>): Promise<TaskAnswer<Name>> {
    if (!this.#open) {
      throw new FaultError('unavailable', `Cannot start ${name}: the daemon is stopping`, { leaves: 'nothing' });
    }
    const { piscina, watch } = this.#lanes[TASK_LANES[name]];
    if (piscina.queueSize >= QUEUE_MAX) {
      const found = `${QUEUE_MAX} tasks already wait for a worker`;
      throw new FaultError('overloaded', `Cannot start ${name}: ${found}`, { leaves: 'nothing' });
    }
    const running = piscina.run({ task: name, args });
    const watched = watch.add(name, args);
    this.#running.add(running);
    let reply: TaskReply<Name>;
    try {
      // The one cast in this file: what crosses a thread has no type, and entry.ts answers by the same table.
      reply = (await running) as TaskReply<Name>;
    } catch (error) {
      throw new FaultError('unavailable', `Cannot finish ${name}: its worker ended (${String(error)})`, {
        cause: error,
      });
    } finally {
      this.#running.delete(running);
      watch.end(watched);
    }
    if (!reply.ok) throw toError(reply.fault);
    return reply.value;
  }

  /** Takes no more tasks, waits for those that run or wait, ends the threads. Once more is as good as once. */
  async close(): Promise<void> {
    this.#open = false;
    await Promise.allSettled(this.#running);
    await Promise.all(Object.values(this.#lanes).map(({ piscina }) => piscina.destroy()));
  }
}

function openLane(lane: TaskLane, threads: { min: number; max: number }, options: TaskPoolOptions): Lane {
  const piscina = openPiscina(threads, options);
  const threadsMax = threads.max + RELIEF_THREADS_MAX;
  const watch = new TaskWatch({
    lane,
    afterMs: options.hungAfterMs[lane],
    threads: () => piscina.maxThreads,
    onHung: (hung) => {
      options.onHung(hung);
      if (piscina.maxThreads < threadsMax) relieve(piscina);
    },
  });
  return { piscina, watch };
}

/** One thread more: Piscina looks at its own options each time. It starts none for what waits already, but for what comes. */
function relieve(piscina: Piscina): void {
  piscina.options.maxThreads += 1;
  piscina.run({ task: 'probe', args: {} }).catch(() => undefined);
}

function openPiscina(threads: { min: number; max: number }, options: TaskPoolOptions): Piscina {
  const setup: WorkerSetup = {
    engine: options.engine,
    childLock: options.childLock,
    failpoints: failpointSetup(),
  };
  const piscina = new Piscina({
    filename: new URL('../workers/entry.js', import.meta.url).href,
    name: 'runTask',
    minThreads: threads.min,
    maxThreads: threads.max,
    // Ending one that still loads koffi aborts the process, so none is ever ended before `close`.
    idleTimeout: Number.POSITIVE_INFINITY,
    // Without it, each task that ends sends the one that has waited longest back to the end of the queue.
    stricterFIFO: true,
    concurrentTasksPerWorker: 1,
    maxQueue: QUEUE_MAX,
    atomics: 'disabled',
    workerData: setup,
    resourceLimits: { maxOldGenerationSizeMb: WORKER_HEAP_MIB },
    recordTiming: false,
  });
  piscina.on('error', options.onWorkerError);
  return piscina;
}
