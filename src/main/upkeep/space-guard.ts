// Keeps the pool from being driven full: it is extended where it can be, and below `min_free_space` nothing new is made, while
// removals always go on. A full pool queues or fails writes and file systems above it go read-only, so both come well before.

import { type Fault, FaultError, toFault } from '../../shared/faults.ts';
import { formatSize } from '../../shared/sizes.ts';
import { parseBytes } from '../../shared/units.ts';
import type { MinFreeSpace } from '../config/config.ts';
import type { Usage, Volumes, VolumesFacts } from '../volumes/volumes.ts';
import type { Extender } from './extender.ts';
import { LOOK_PAUSE_MAX_MS, Pacing } from './pacing.ts';

/** Times the reserve: with less than that free, nothing is made that nobody asked for. */
const TIGHT_RESERVES = 2;

/** `low`: nothing is made ahead any more. `short`: nothing at all. */
export type SpaceLevel = 'ok' | 'low' | 'short';

/** That a kind of space has come to another level. */
export interface Crossing {
  readonly what: 'data' | 'metadata';
  readonly level: SpaceLevel;
  readonly freeBytes: number;
  readonly totalBytes: number;
  readonly reserveBytes: number;
}

export interface SpaceObserver {
  /** After each look, the first one too, before anything is done about what it found. */
  readonly onLook: () => void;
  /** The figures could not be read: they are old now. Once, until they can be. */
  readonly onError: (error: unknown) => void;
  /** Once for each level that is come to, the first one too unless it is `ok`. */
  readonly onCrossing: (crossing: Crossing) => void;
}

export interface SpaceGuardOptions {
  readonly volumes: Volumes;
  readonly minFree: MinFreeSpace;
  readonly extender: Pick<Extender, 'keepUp'>;
  readonly observer: SpaceObserver;
}

export class SpaceGuard {
  readonly #volumes: Volumes;
  readonly #minFree: MinFreeSpace;
  readonly #observer: SpaceObserver;
  readonly #extender: Pick<Extender, 'keepUp'>;
  readonly #pacing = new Pacing();
  #timer: NodeJS.Timeout;
  readonly #levels: Record<Crossing['what'], SpaceLevel> = { data: 'ok', metadata: 'ok' };
  #trouble: Fault | null = null;
  #closed = false;

  constructor({ volumes, minFree, extender, observer }: SpaceGuardOptions) {
    this.#volumes = volumes;
    this.#minFree = minFree;
    this.#extender = extender;
    this.#observer = observer;
    this.#timer = this.#lookIn(this.#pacing.pauseAfter(volumes.space, performance.now()));
    this.look();
    observer.onLook();
  }

  /** Why the figures are older than they should be; null when they are not. */
  get trouble(): Fault | null {
    return this.#trouble;
  }

  /** Tells of each level that was crossed since the last look. */
  look(): void {
    const { data, metadata } = this.#volumes.space;
    this.#lookAt('data', data);
    if (metadata !== null) this.#lookAt('metadata', metadata);
  }

  /** Fault `no-space` when what is free is below the reserve, and no extension makes it more. */
  async check(): Promise<void> {
    if (this.isShort()) await this.#extender.keepUp();
    const { data, metadata } = this.#volumes.space;
    this.#checkOne('data', data);
    if (metadata !== null) this.#checkOne('metadata', metadata);
  }

  /** Whether snapshots are refused: what is to be deleted is in a hurry then. */
  isShort(): boolean {
    return this.#levelsNow().includes('short');
  }

  /** Whether it is time to give up what was made ahead. */
  isTight(): boolean {
    return this.#levelsNow().some((level) => level !== 'ok');
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #levelsNow(): readonly SpaceLevel[] {
    const { data, metadata } = this.#volumes.space;
    return [data, metadata].flatMap((usage) =>
      usage === null ? [] : [levelOf(usage, reserveOf(this.#minFree, usage))],
    );
  }

  #checkOne(what: string, usage: Usage): void {
    const reserve = reserveOf(this.#minFree, usage);
    if (levelOf(usage, reserve) !== 'short') return;
    const [left, total, kept] = [freeOf(usage), usage.totalBytes, reserve].map((size) =>
      formatSize(parseBytes(Math.round(size))),
    );
    throw new FaultError(
      'no-space',
      `Cannot make another snapshot: ${left} of ${total} of ${what} space are free, and min_free_space keeps ${kept}. ${roomAdvice(this.#volumes.facts)}`,
    );
  }

  #lookAt(what: Crossing['what'], usage: Usage): void {
    const reserveBytes = reserveOf(this.#minFree, usage);
    const level = levelOf(usage, reserveBytes);
    if (level === this.#levels[what]) return;
    this.#levels[what] = level;
    this.#observer.onCrossing({ what, level, freeBytes: freeOf(usage), totalBytes: usage.totalBytes, reserveBytes });
  }

  #lookIn(pauseMs: number): NodeJS.Timeout {
    return setTimeout(() => void this.#tick(), pauseMs).unref();
  }

  async #tick(): Promise<void> {
    let pauseMs = LOOK_PAUSE_MAX_MS;
    try {
      const space = await this.#volumes.refreshSpace();
      pauseMs = this.#pacing.pauseAfter(space, performance.now());
      this.#observer.onLook();
      // First, so that nothing is told, refused or given up for what an extension puts right.
      await this.#extender.keepUp();
      this.look();
      this.#trouble = null;
    } catch (error) {
      if (this.#trouble === null) this.#observer.onError(error);
      this.#trouble = toFault(error);
    }
    if (!this.#closed) this.#timer = this.#lookIn(pauseMs);
  }
}

/** What makes room. */
export function roomAdvice(facts: VolumesFacts): string {
  if (facts.kind === 'blockfile')
    return `Remove images or containers, or make room on the file system of ${facts.directory}`;
  const { makeup } = facts;
  return makeup?.kind === 'loop'
    ? `Remove images or containers, extend the pool, or make room on the file system of ${makeup.dir}`
    : 'Remove images or containers, or extend the pool';
}

export function levelOf(usage: Usage, reserveBytes: number): SpaceLevel {
  const freeBytes = freeOf(usage);
  if (freeBytes < reserveBytes) return 'short';
  return freeBytes < reserveBytes * TIGHT_RESERVES ? 'low' : 'ok';
}

export function freeOf(usage: Usage): number {
  return Math.max(0, usage.totalBytes - usage.usedBytes);
}

/** What must stay free of this, in bytes. */
export function reserveOf(minFree: MinFreeSpace, { totalBytes }: Usage): number {
  return minFree.kind === 'bytes' ? minFree.bytes : (totalBytes * minFree.percent) / 100;
}
