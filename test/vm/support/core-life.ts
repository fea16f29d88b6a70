// The daemon without its process: the real catalog, recovery, calls and upkeep on a real pool, with worker threads that outlive
// it. Power can fail under it hundreds of times in the time that a process takes to start a dozen times here.

import { pino } from 'pino';
import { findProblems } from '../../../src/main/admin/health.ts';
import { Catalog } from '../../../src/main/catalog/catalog.ts';
import type { Config } from '../../../src/main/config/config.ts';
import { calls } from '../../../src/main/rpc/calls.ts';
import { Clock } from '../../../src/main/snapshots/clock.ts';
import type { TaskPool } from '../../../src/main/task-pool.ts';
import { compare } from '../../../src/main/upkeep/comparison.ts';
import { recover } from '../../../src/main/upkeep/recovery.ts';
import { openVolumes } from '../../../src/main/volumes/open-volumes.ts';
import type { Opened, Volumes } from '../../../src/main/volumes/volumes.ts';
import { assembleCore, type Core, closeCore } from '../../support/core.ts';
import { ask, type Service } from '../../support/model/ask.ts';
import type { Call, Info, MountSeen } from '../../support/model/calls.ts';
import { until } from '../../support/until.ts';
import type { Step } from './ledger.ts';
import { LABEL } from './ledger.ts';

/** What nobody waits for is done by then. */
const QUIET_LIMIT_MS = 60_000;

interface Parts {
  readonly catalog: Catalog;
  readonly opened: Opened;
  readonly core: Core<Volumes>;
  readonly service: Service;
  readonly config: Config;
  readonly tasks: TaskPool;
}

export class CoreLife {
  readonly #catalog: Catalog;
  readonly #opened: Opened;
  readonly #core: Core<Volumes>;
  readonly #service: Service;
  readonly #config: Config;
  readonly #tasks: TaskPool;

  private constructor({ catalog, opened, core, service, config, tasks }: Parts) {
    this.#catalog = catalog;
    this.#opened = opened;
    this.#core = core;
    this.#service = service;
    this.#config = config;
    this.#tasks = tasks;
  }

  /** In the daemon's order, up to where it would serve. */
  static async open(config: Config, tasks: TaskPool): Promise<CoreLife> {
    const catalog = await Catalog.open(config.rootPath);
    try {
      const opened = await openVolumes({
        config,
        catalog,
        tasks,
        log: pino({ enabled: false }),
        unclean: true,
        signal: new AbortController().signal,
        onForeignThinId: () => undefined,
      });
      const { volumes, onForeignThinId } = opened;
      const limits = { perParent: config.standbyPerParent, total: config.standbyTotal };
      const core = assembleCore({ catalog, volumes, clock: new Clock(), limits, onForeignThinId });
      const { baseImageSize: sizeBytes, fsType, fsOptions } = config;
      const service = calls(core, { fs: { fsType, fsOptions, sizeBytes }, removal: { wait: false } });
      await recover(core);
      return new CoreLife({ catalog, opened, core, service, config, tasks });
    } catch (error) {
      await catalog.close();
      throw error;
    }
  }

  async list(): Promise<readonly Info[]> {
    const answer = await ask(this.#service, { kind: 'List', only: 'all' });
    return answer.kind === 'infos' ? answer.infos : [];
  }

  async take(step: Exclude<Step, { kind: 'Write' }>): Promise<void> {
    await ask(this.#service, toCall(step));
  }

  async mountOf(key: string): Promise<MountSeen> {
    const answer = await ask(this.#service, { kind: 'Mounts', key });
    if (answer.kind !== 'mount') throw new Error(`There is no mount of ${key}`);
    return answer.mount;
  }

  /** What `thinsnap status` says is wrong, once the pool was looked at again. */
  async problems(): Promise<readonly string[]> {
    await this.#core.volumes.refreshSpace();
    return findProblems({ ...this.#core, config: this.#config, tasks: this.#tasks }).map(({ code }) => code);
  }

  /** What `thinsnap check` says of the records and the pool. */
  async differences(): Promise<readonly string[]> {
    const { differences, omitted } = await compare({ catalog: this.#catalog, volumes: this.#core.volumes });
    if (omitted !== '') throw new Error(`The pool cannot be looked at: ${omitted}`);
    return differences.map(({ rule, what }) => `${rule} ${what}`);
  }

  /** Ends when nothing is left to delete. */
  async quiet(): Promise<void> {
    const { devices } = this.#catalog.tables;
    const unfinished = (): readonly string[] =>
      [...devices.values()]
        .filter(({ state }) => state === 'Removing' || state === 'Creating')
        .map(({ id }) => `${id}`);
    await until(
      QUIET_LIMIT_MS,
      async () => {
        if (unfinished().length > 0) await ask(this.#service, { kind: 'Cleanup' });
        return unfinished().length === 0 ? true : null;
      },
      () => `devices stay: ${unfinished().join()}; ${this.#core.errors.slice(-3).join('; ')}`,
    );
  }

  /** That the records name. */
  get thinIds(): readonly string[] {
    const { devices } = this.#catalog.tables;
    return [...devices.values()].map(({ place }) => (place.kind === 'thin' ? `${place.thinId}` : ''));
  }

  async close(): Promise<void> {
    await closeCore(this.#core);
    await this.#opened.close();
    await this.#catalog.close();
  }

  /** Its disk is gone: nothing of it can reach that any more, whatever it still tries. */
  async abandon(): Promise<void> {
    await closeCore(this.#core);
    await this.#opened.close();
    await this.#catalog.close().catch(() => undefined);
  }
}

function toCall(step: Exclude<Step, { kind: 'Write' }>): Call {
  switch (step.kind) {
    case 'Prepare':
    case 'View':
      return { ...step, labels: {} };
    case 'Commit':
      return { ...step, labels: {}, parent: '' };
    case 'Update':
      return { kind: 'Update', key: step.key, labels: { [LABEL]: step.label }, paths: [] };
    case 'Remove':
      return step;
  }
}
