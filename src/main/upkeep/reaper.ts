// What nobody waits for: devices to deactivate, devices to delete. Each job is tried at once and, when its device is
// busy, again with growing pauses for as long as it takes; no job holds up another one or a call.
//
// What there is to delete is in the catalog (state Removing), so a crash forgets no job. A job to deactivate may be
// forgotten: recovery, or the next use of the device, does it.

import { failpoint } from '../../shared/failpoints.ts';
import { FaultError, isFault } from '../../shared/faults.ts';
import type { DeviceId } from '../../shared/units.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { deviceLane, Gate, type Lanes } from '../lanes.ts';
import type { Pins } from '../snapshots/pins.ts';
import type { Turns, Volumes } from '../volumes/volumes.ts';
import type { Foreground } from './foreground.ts';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 30_000;
/** Jobs at a time: more than have their turn, so that what waits to be deleted comes together in a few tasks. */
const JOBS_MAX = 32;
/** How long one job gives way to clients that wait: under a load that never ends, deletions go on all the same. */
const GIVE_WAY_MS = 1_000;

const STOPPED = new FaultError('unavailable', 'Cannot clean up a device: the daemon is stopping');

type JobKind = 'deactivate' | 'remove';

/** `later`: nobody waits for it, so it gives way to those who wait for something. */
export type Urgency = 'later' | 'awaited';

interface Job {
  kind: JobKind;
  /** A client waits for it, so it gives way to none. */
  awaited: boolean;
  attempts: number;
  /** The pause before the next attempt; null while one runs or waits for its turn. */
  timer: NodeJS.Timeout | null;
  /** Asked for again since its work began: what that saw (a pin, a view) may have gone meanwhile. */
  again: boolean;
  /** Settles when it was tried once, whatever came of it. */
  tried: Promise<void>;
}

export interface ReaperOptions {
  readonly catalog: Catalog;
  readonly volumes: Volumes;
  readonly lanes: Lanes;
  readonly pins: Pins;
  readonly foreground: Foreground;
  /** Tasks at a time that take threads from calls: deactivations, which wait for RCU side by side. */
  readonly turns: number;
  /** Whether space is so short that deletions give way to nobody. */
  readonly isPressed: () => boolean;
  /** A job that failed other than by a busy device; called again only as the pauses grow. */
  readonly onError: (deviceId: DeviceId, error: unknown) => void;
}

export class Reaper {
  readonly #options: ReaperOptions;
  readonly #jobs = new Map<DeviceId, Job>();
  readonly #gate = new Gate(JOBS_MAX);
  readonly #turns: Turns;
  #open = true;

  constructor(options: ReaperOptions) {
    this.#options = options;
    const gate = new Gate(options.turns);
    this.#turns = {
      run: (action) =>
        gate.run(() => {
          if (!this.#open) throw STOPPED;
          return action();
        }),
    };
  }

  /** Devices that wait to be deactivated or deleted. */
  get size(): number {
    return this.#jobs.size;
  }

  /** Deletes a device whose record says Removing. Resolves when it was tried once; never rejects. */
  remove(id: DeviceId, urgency: Urgency = 'later'): Promise<void> {
    return this.#add(id, 'remove', urgency);
  }

  /** Deactivates a device once nobody uses it. Resolves when it was tried once; never rejects. */
  deactivate(id: DeviceId): Promise<void> {
    return this.#add(id, 'deactivate', 'later');
  }

  /** Resolves when every job of this moment was tried once more. */
  async tryAll(): Promise<void> {
    await Promise.all([...this.#jobs].map(([id, job]) => (job.timer === null ? job.tried : this.#attempt(id, job))));
  }

  /** Starts nothing more and waits for what runs. */
  async close(): Promise<void> {
    this.#open = false;
    for (const job of this.#jobs.values()) {
      if (job.timer !== null) clearTimeout(job.timer);
    }
    await this.#gate.idle();
  }

  #add(id: DeviceId, kind: JobKind, urgency: Urgency): Promise<void> {
    if (!this.#open) return Promise.resolve();
    const old = this.#jobs.get(id);
    const awaited = urgency === 'awaited';
    // A removal deactivates too; a second wish for the same only counts where the first is being seen to.
    if (old !== undefined && (old.kind === 'remove' || old.kind === kind)) {
      old.again = true;
      old.awaited ||= awaited;
      return old.tried;
    }
    if (old?.timer != null) clearTimeout(old.timer);
    const job: Job = { kind, awaited, attempts: 0, timer: null, again: false, tried: Promise.resolve() };
    this.#jobs.set(id, job);
    return this.#attempt(id, job);
  }

  #attempt(id: DeviceId, job: Job): Promise<void> {
    if (job.timer !== null) clearTimeout(job.timer);
    job.timer = null;
    job.tried = this.#gate.run(() => this.#run(id, job));
    return job.tried;
  }

  async #run(id: DeviceId, job: Job): Promise<void> {
    const { foreground, isPressed } = this.#options;
    if (!job.awaited && !isPressed()) await foreground.quiet(GIVE_WAY_MS);
    if (!this.#open || this.#jobs.get(id) !== job) return;
    job.attempts += 1;
    try {
      do {
        await this.#options.lanes.run(deviceLane(id), () => {
          job.again = false;
          return job.kind === 'remove' ? this.#remove(id) : this.#deactivate(id);
        });
      } while (job.again && this.#jobs.get(id) === job);
      if (this.#jobs.get(id) === job) this.#jobs.delete(id);
    } catch (error) {
      // As one whose work has not begun.
      if (error === STOPPED) return;
      const telling = Number.isInteger(Math.log2(job.attempts));
      if (!isFault(error, 'device-busy') && telling) this.#options.onError(id, error);
      this.#later(id, job);
    }
  }

  #later(id: DeviceId, job: Job): void {
    if (!this.#open || this.#jobs.get(id) !== job) return;
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(job.attempts - 1, 16));
    job.timer = setTimeout(() => void this.#attempt(id, job), pauseMs);
    job.timer.unref();
  }

  async #remove(id: DeviceId): Promise<void> {
    const { catalog, volumes } = this.#options;
    const device = catalog.tables.devices.get(id);
    if (device?.state !== 'Removing') return;
    await failpoint('reaper.before-remove');
    await volumes.remove(device, this.#turns);
    await failpoint('reaper.removed');
    await catalog.write([{ kind: 'delete-device', id }]);
    await failpoint('reaper.recorded');
  }

  #deactivate(id: DeviceId): Promise<void> {
    const { catalog, volumes, pins } = this.#options;
    return this.#turns.run(async () => {
      const device = catalog.tables.devices.get(id);
      if (device?.state !== 'Deactivated' || pins.has(id) || catalog.tables.viewsOf(id) > 0) return;
      await failpoint('reaper.before-deactivate');
      await volumes.deactivate(device);
      await failpoint('reaper.deactivated');
    });
  }
}
