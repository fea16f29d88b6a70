// Runs one scenario: eight clients and nature on a simulated machine.

import type { ThinPoolVolumes } from '../../../src/main/volumes/thin-pool/thin-pool-volumes.ts';
import type { Core } from '../core.ts';
import type { Call } from './calls.ts';
import { Clients } from './clients.ts';
import { FakePool } from './fake-pool.ts';
import type { Machine } from './life.ts';
import { MemoryDisk, type Stored } from './memory-store.ts';
import { CLIENTS, type Event, type Happening, type Scenario } from './scenarios.ts';
import { Troubles } from './troubles.ts';
import { World } from './world.ts';

/** Past every pause of the reaper, and several looks of the space guard and the standby. */
const AN_AGE_MS = 31_000;
/** Past the delay of the standby's plan. */
const A_MOMENT_MS = 50;
/** A job that waits for another one has its turn in the next. */
const SETTLE_ROUNDS = 3;

/** Where the daemons of all runs have their root. */
export interface Place {
  readonly root: string;
  /** A catalog that was never used. */
  readonly stored: Stored;
}

export class Simulation {
  readonly machine: Machine;
  readonly clients: Clients;
  readonly #scenario: Scenario;

  constructor({ root, stored }: Place, scenario: Scenario) {
    this.#scenario = scenario;
    this.machine = {
      root,
      world: new World(scenario.choices),
      disk: new MemoryDisk(stored),
      pool: new FakePool(),
      troubles: new Troubles(scenario.troubles),
      settings: scenario.settings,
    };
    this.clients = new Clients(this.machine);
  }

  get core(): Core<ThinPoolVolumes> {
    const { now } = this.clients.lives;
    if (now === null) throw new Error('The daemon does not run');
    return now.core;
  }

  async play(): Promise<void> {
    const { actions, nature, warm } = this.#scenario;
    await this.finish('the first start', this.clients.lives.start());
    if (warm) await this.finish('the first layer', this.#warmUp());
    const clients = Array.from({ length: CLIENTS }, (_, client) => {
      const own = actions.filter((one) => one.client === client);
      return this.clients.run(
        client,
        own.map(({ action }) => action),
      );
    });
    await this.finish('a client or the daemon', Promise.all([...clients, this.#nature(nature)]));
  }

  /** Nothing fails any more, nobody holds anything open, and the time has come for whatever was put off. */
  async settle(): Promise<void> {
    const { troubles, pool, disk } = this.machine;
    troubles.end();
    pool.low = false;
    disk.failure = null;
    this.clients.closeAll();
    if (disk.broken) await this.finish('a start', this.clients.lives.killAndStart());
    for (let round = 0; round < SETTLE_ROUNDS; round += 1) {
      this.machine.world.pass(AN_AGE_MS);
      await this.perform({ kind: 'Cleanup' });
    }
  }

  async restart(): Promise<void> {
    await this.finish('a stop and a start', this.clients.lives.stopAndStart());
  }

  /** A call while nobody else calls. */
  async perform(call: Call): Promise<void> {
    await this.finish(call.kind, this.clients.perform(0, call));
  }

  /** Lets everything go on until nothing does; what was awaited must be done then. */
  async finish(what: string, work: Promise<unknown>): Promise<void> {
    const ends: string[] = [];
    work.then(
      () => ends.push('well'),
      () => ends.push('badly'),
    );
    await this.machine.world.run();
    if (ends.length === 0) throw new Error(`${what} waits for ever`);
    await work;
  }

  async #warmUp(): Promise<void> {
    await this.clients.perform(0, { kind: 'Prepare', key: 'k1', parent: '', labels: {} });
    await this.clients.open(0, 'k1');
    this.clients.closeOne(0);
    await this.clients.perform(0, { kind: 'Commit', key: 'k1', name: 'n1', labels: { a: '1' }, parent: '' });
    if (this.machine.settings.standby.perParent === 0) return;
    // A burst, and the moment after it: from now on some stand ready.
    for (const key of ['k1', 'k2']) {
      await this.clients.perform(0, { kind: 'Prepare', key, parent: 'n1', labels: {} });
      await this.clients.perform(0, { kind: 'Remove', key });
    }
    this.machine.world.pass(A_MOMENT_MS);
  }

  async #nature(events: readonly Event[]): Promise<void> {
    const { world } = this.machine;
    for (const { happening, at } of [...events].sort((a, b) => a.at - b.at)) {
      await world.wait(`nature: ${happening}`, { due: () => world.trace.length >= at });
      this.#happen(happening);
    }
  }

  #happen(happening: Happening): void {
    const { world, pool, disk, troubles } = this.machine;
    const { lives } = this.clients;
    switch (happening) {
      case 'reboot':
        this.clients.closeAll();
        pool.reboot();
        this.#meanwhile(lives.killAndStart());
        break;
      case 'kill':
        this.#meanwhile(lives.killAndStart());
        break;
      case 'restart':
        this.#meanwhile(lives.stopAndStart());
        break;
      case 'fill':
      case 'drain':
        pool.low = happening === 'fill';
        break;
      case 'a-moment':
        world.pass(A_MOMENT_MS);
        break;
      case 'an-age':
        world.pass(AN_AGE_MS);
        break;
      case 'disk-fails':
        disk.failure = 'lost';
        break;
      case 'disk-fails-late':
        disk.failure = 'written';
        break;
      case 'foreign-id':
        pool.makeForeign(1 + Math.max(0, ...pool.thins.keys()));
        break;
      case 'time-limit':
        this.clients.endWaits();
        break;
      case 'mend':
        troubles.mend();
        break;
    }
  }

  /** Whatever comes next does not wait for it, and may be its end. */
  #meanwhile(work: Promise<void>): void {
    work.catch((error: unknown) => this.clients.failures.push(`The daemon did not start: ${String(error)}`));
  }
}
