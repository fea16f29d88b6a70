// Snapshots made ahead, of parents that are prepared often: a Prepare that finds one ready is a record and no kernel call.
//
// Invariants:
//   * One that stands ready has a durable record (purpose `standby`) and belongs to nobody. Giving it out is one batch:
//     its record and the snapshot's. A crash before that batch leaves it on the shelf, after it with its owner.
//   * It is a copy of a committed device, which never changes, so it is as good as one made on demand.
//   * Its parent may be removed at any time: the shelf goes in the same batch, and what is still being made goes after it.
//   * Nothing is made while a client waits for device work, while space is tight, or beyond the limits.

import { failpoint } from '../../shared/failpoints.ts';
import type { DeviceId } from '../../shared/units.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Device } from '../catalog/records.ts';
import type { Change } from '../catalog/tables.ts';
import { type Devices, moved } from '../snapshots/devices.ts';
import { mayBeWritten, type Volumes } from '../volumes/volumes.ts';
import { Demand } from './demand.ts';
import type { Foreground } from './foreground.ts';
import type { Reaper } from './reaper.ts';
import type { SpaceGuard } from './space-guard.ts';

/** How often what cooled down is looked for. */
const TICK_MS = 5_000;
/** Prepares of one burst are planned for together. */
export const PLAN_DELAY_MS = 20;
/** How long one that is to be made gives way to clients at a time; it looks again after that. */
const GIVE_WAY_MS = 1_000;
/** After a failure nothing is made for this parent for as long: the next attempt would most likely fail too. */
const FAILURE_PAUSE_MS = 30_000;
/** Parents whose demand is remembered; one more is not counted before another is forgotten. */
const SHELVES_MAX = 4_096;

export interface StandbyLimits {
  /** Snapshots of one parent that may stand ready. 0: none, of any. */
  readonly perParent: number;
  /** Snapshots that may stand ready in all. */
  readonly total: number;
}

export interface StandbyOptions {
  readonly catalog: Catalog;
  readonly volumes: Volumes;
  readonly devices: Devices;
  readonly reaper: Reaper;
  readonly guard: SpaceGuard;
  readonly foreground: Foreground;
  readonly limits: StandbyLimits;
  /** Snapshots that are made at a time. */
  readonly makersMax: number;
  /** One that could not be made: told once for each pause. */
  readonly onError: (originId: DeviceId, error: unknown) => void;
}

/** What is shown of it. */
export interface StandbyCounts {
  readonly ready: number;
  readonly wanted: number;
  /** Prepares that were given one, and those that were not, since the start. */
  readonly hits: number;
  readonly misses: number;
}

export interface Withdrawal {
  readonly changes: readonly Change[];
  /** Once they are written. */
  done(): void;
  /** When they could not be. */
  undo(): void;
}

interface Shelf {
  readonly origin: Device;
  readonly demand: Demand;
  readonly ready: Device[];
  making: number;
  wanted: number;
  pausedUntilMs: number;
}

export class Standby {
  readonly #options: StandbyOptions;
  readonly #shelves = new Map<DeviceId, Shelf>();
  readonly #makers = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;
  #planned: NodeJS.Timeout | undefined;
  #hits = 0;
  #misses = 0;
  #open = true;

  constructor(options: StandbyOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
  }

  get counts(): StandbyCounts {
    let ready = 0;
    let wanted = 0;
    for (const shelf of this.#shelves.values()) {
      ready += shelf.ready.length;
      wanted += shelf.wanted;
    }
    return { ready, wanted, hits: this.#hits, misses: this.#misses };
  }

  /** Takes over what an earlier daemon left ready; what has no place any more goes to the reaper. */
  async adopt(): Promise<void> {
    const { tables } = this.#options.catalog;
    const stranded: Device[] = [];
    for (const device of tables.devices.values()) {
      if (device.purpose.kind !== 'standby' || device.state !== 'Activated') continue;
      const origin = device.originId === null ? undefined : tables.devices.get(device.originId);
      const shelf = origin?.state === 'Deactivated' ? this.#shelfOf(origin) : null;
      if (shelf === null) stranded.push(device);
      else shelf.ready.push(device);
    }
    const nowMs = performance.now();
    for (const shelf of this.#shelves.values()) shelf.demand.assume(shelf.ready.length, nowMs);
    await this.#discard(stranded);
    this.#tick();
  }

  /**
   * A snapshot of `origin`, which the caller has pinned, if one stands ready: its record is the one to write with the
   * snapshot's. Counts as demand either way.
   */
  take(origin: Device): Device | null {
    const shelf = this.#shelfOf(origin);
    shelf?.demand.note(performance.now());
    const device = shelf?.ready.shift();
    this.#planSoon();
    if (device === undefined) {
      this.#misses += 1;
      return null;
    }
    this.#hits += 1;
    return { ...device, purpose: { kind: 'snapshot' } };
  }

  /** Takes the shelf of a parent that is being removed away: what stood on it is to go in the same write. */
  withdraw(originId: DeviceId): Withdrawal {
    const shelf = this.#shelves.get(originId);
    if (shelf === undefined) return { changes: [], done: () => undefined, undo: () => undefined };
    this.#shelves.delete(originId);
    const ready = shelf.ready.splice(0);
    return {
      changes: ready.map((device) => ({ kind: 'put-device', device: moved(device, 'remove') })),
      done: () => {
        for (const { id } of ready) void this.#options.reaper.remove(id);
      },
      undo: () => {
        shelf.ready.push(...ready);
        this.#shelves.set(originId, shelf);
      },
    };
  }

  /** Makes nothing more, and waits for what is being made. */
  async stop(): Promise<void> {
    this.#open = false;
    clearInterval(this.#timer);
    clearTimeout(this.#planned);
    await Promise.all(this.#makers);
  }

  #shelfOf(origin: Device): Shelf | null {
    const { limits, volumes } = this.#options;
    const found = this.#shelves.get(origin.id);
    if (found !== undefined) return found;
    if (limits.perParent === 0 || limits.total === 0 || !volumes.sharesBlocks) return null;
    if (this.#shelves.size >= SHELVES_MAX) return null;
    const demand = new Demand(performance.now());
    const shelf: Shelf = { origin, demand, ready: [], making: 0, wanted: 0, pausedUntilMs: 0 };
    this.#shelves.set(origin.id, shelf);
    return shelf;
  }

  #planSoon(): void {
    this.#planned ??= setTimeout(() => this.#plan(), PLAN_DELAY_MS);
  }

  /** Says how many each parent should have, the hottest first, and has made what is missing. */
  #plan(): void {
    const { limits, guard, makersMax } = this.#options;
    clearTimeout(this.#planned);
    this.#planned = undefined;
    const nowMs = performance.now();
    let left = guard.isTight() ? 0 : limits.total;
    let missing = 0;
    for (const shelf of [...this.#shelves.values()].sort((a, b) => b.demand.heat - a.demand.heat)) {
      shelf.wanted = Math.min(left, limits.perParent, shelf.demand.wanted(nowMs));
      left -= shelf.wanted;
      if (shelf.pausedUntilMs <= nowMs) missing += Math.max(0, lacking(shelf));
    }
    while (this.#open && this.#makers.size < Math.min(makersMax, missing)) {
      const maker = this.#make();
      this.#makers.add(maker);
      void maker.finally(() => this.#makers.delete(maker));
    }
  }

  /** Makes one after another for as long as any is missing. Never rejects. */
  async #make(): Promise<void> {
    const { foreground } = this.#options;
    while (this.#open) {
      // Looked at before the choice, so that the choice is of this moment.
      if (foreground.size > 0) {
        await foreground.quiet(GIVE_WAY_MS);
        continue;
      }
      const shelf = this.#neediest();
      if (shelf === null) return;
      shelf.making += 1;
      try {
        await this.#makeFor(shelf);
      } catch (error) {
        this.#options.onError(shelf.origin.id, error);
        shelf.pausedUntilMs = performance.now() + FAILURE_PAUSE_MS;
      } finally {
        shelf.making -= 1;
      }
    }
  }

  #neediest(): Shelf | null {
    const nowMs = performance.now();
    let found: Shelf | null = null;
    for (const shelf of this.#shelves.values()) {
      if (lacking(shelf) <= 0 || shelf.pausedUntilMs > nowMs) continue;
      // An origin that is still open for writing would have to be suspended: those who wait for it come first.
      if (mayBeWritten(this.#options.volumes.activity(shelf.origin))) continue;
      if (found === null || lacking(shelf) > lacking(found)) found = shelf;
    }
    return found;
  }

  async #makeFor(shelf: Shelf): Promise<void> {
    const { devices, catalog } = this.#options;
    const device = await devices.standbyOf(shelf.origin);
    try {
      await failpoint('standby.before-record');
      await catalog.write([{ kind: 'put-device', device }]);
    } catch (error) {
      await devices.abandon(device);
      throw error;
    }
    await failpoint('standby.recorded');
    // The parent may have been removed meanwhile, and its removal did not know of this one.
    if (this.#shelves.get(shelf.origin.id) === shelf) shelf.ready.push(device);
    else await devices.abandon(device);
  }

  #tick(): void {
    this.#plan();
    const nowMs = performance.now();
    const surplus: Device[] = [];
    for (const [id, shelf] of this.#shelves) {
      surplus.push(...shelf.ready.splice(shelf.wanted));
      if (shelf.demand.isForgotten(nowMs) && shelf.ready.length + shelf.making === 0) this.#shelves.delete(id);
    }
    void this.#discard(surplus);
  }

  /** Gives devices to the reaper. Never rejects: what cannot be written now is found again by the next start. */
  async #discard(surplus: readonly Device[]): Promise<void> {
    await Promise.all(surplus.map((device) => this.#options.devices.abandon(device)));
  }
}

function lacking(shelf: Shelf): number {
  return shelf.wanted - shelf.ready.length - shelf.making;
}
