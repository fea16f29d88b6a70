// A real engine whose n-th call that changes something fails instead of being made: for loops that fail every step once.

import { FaultError } from '../../../src/shared/faults.ts';
import type { Engine, NewDevice, StatusFlush, TargetLine } from '../../../src/workers/devmapper/engine.ts';

export class CountingEngine implements Engine {
  readonly kind = 'ioctl';
  readonly #engine: Engine;
  readonly #failing: number;
  #calls = 0;

  constructor(engine: Engine, failing: number) {
    this.#engine = engine;
    this.#failing = failing;
  }

  /** Whether the call that was to fail has been reached. */
  get hasFailed(): boolean {
    return this.#calls >= this.#failing;
  }

  driverVersion = (): Promise<string> => this.#engine.driverVersion();
  list: Engine['list'] = (uuidPrefix) => this.#count(() => this.#engine.list(uuidPrefix));
  info: Engine['info'] = (name) => this.#count(() => this.#engine.info(name));
  create: Engine['create'] = (device: NewDevice) => this.#count(() => this.#engine.create(device));
  remove: Engine['remove'] = (name) => this.#count(() => this.#engine.remove(name));
  suspend: Engine['suspend'] = (name) => this.#count(() => this.#engine.suspend(name));
  resume: Engine['resume'] = (name) => this.#count(() => this.#engine.resume(name));
  reload: Engine['reload'] = (name, table: TargetLine) => this.#count(() => this.#engine.reload(name, table));
  message: Engine['message'] = (name, text) => this.#count(() => this.#engine.message(name, text));
  status: Engine['status'] = (name, flush: StatusFlush) => this.#count(() => this.#engine.status(name, flush));
  table: Engine['table'] = (name) => this.#count(() => this.#engine.table(name));

  #count<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    this.#calls += 1;
    if (this.#calls !== this.#failing) return call();
    return Promise.reject(new FaultError('io', `Cannot make call ${this.#failing}: told to fail`));
  }
}
