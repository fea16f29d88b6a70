// Extends a pool by itself when it fills, live and under load. One extension runs at a time; what fails is tried again with
// growing pauses, and told once until it is over.
//
// LVM may extend the same pool by a policy of its own (dmeventd). Both go through lvextend, which LVM runs one at a time, and
// ask for a size instead of for more: who comes second finds the pool large enough.

import { type FaultCode, toFault } from '../../shared/faults.ts';
import type { PoolRoom } from '../../shared/tasks.ts';
import type { Bytes } from '../../shared/units.ts';
import type { Growth, Space, Usage, Volumes } from '../volumes/volumes.ts';
import { type SpaceKind, sizeRules, sizeWanted, sizeWithin } from './extension.ts';

const KINDS = ['metadata', 'data'] as const satisfies readonly SpaceKind[];
const RETRY_PAUSE_MIN_MS = 1000;
const RETRY_PAUSE_MAX_MS = 60_000;

export interface Extended {
  readonly what: SpaceKind;
  readonly beforeBytes: number;
  readonly afterBytes: number;
}

/** Why a pool that should be larger is not. */
export interface ExtensionTrouble {
  readonly what: SpaceKind;
  readonly reason: 'no-room' | FaultCode;
  readonly found: string;
  readonly advice: string;
}

export interface ExtenderObserver {
  readonly onExtended: (extended: Extended) => void;
  /** Once for each reason that it comes to. */
  readonly onTrouble: (trouble: ExtensionTrouble) => void;
}

interface Side {
  trouble: ExtensionTrouble | null;
  pauseMs: number;
  notBeforeMs: number;
}

export class Extender {
  readonly #volumes: Volumes;
  readonly #observer: ExtenderObserver;
  readonly #listeners = new Set<(extended: Extended) => void>();
  readonly #sides: Record<SpaceKind, Side> = { data: newSide(), metadata: newSide() };
  #running: Promise<void> | null = null;
  #times = 0;
  #lastFailure: string | null = null;
  #closed = false;

  constructor(volumes: Volumes, observer: ExtenderObserver) {
    this.#volumes = volumes;
    this.#observer = observer;
  }

  /** Extensions since the start. */
  get times(): number {
    return this.#times;
  }

  /** What the last one that failed said, also when another went well since. */
  get lastFailure(): string | null {
    return this.#lastFailure;
  }

  get troubles(): readonly ExtensionTrouble[] {
    return KINDS.flatMap((what) => this.#sides[what].trouble ?? []);
  }

  /** Calls `listener` for each extension from now on, until what it answers is called. */
  observe(listener: (extended: Extended) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Extends what the figures say is to be extended, if it can be now; resolves when that ended. Never rejects. */
  async keepUp(): Promise<void> {
    const { growth } = this.#volumes;
    if (growth === null || this.#closed) return;
    this.#running ??= this.#extendAll(growth).finally(() => {
      this.#running = null;
    });
    await this.#running;
  }

  /** Nothing is begun any more; what runs ends first. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #extendAll(growth: Growth): Promise<void> {
    for (const what of KINDS) {
      const usage = this.#volumes.space[what];
      const side = this.#sides[what];
      if (usage === null) continue;
      const wantedBytes = sizeWanted(usage, sizeRules(what, growth.policy, growth.blockBytes));
      if (wantedBytes === null) this.#sides[what] = newSide();
      else if (performance.now() >= side.notBeforeMs) await this.#extend(growth, { what, usage, wantedBytes });
    }
  }

  async #extend(growth: Growth, need: Need): Promise<void> {
    const { what, usage } = need;
    try {
      const trouble = await this.#tryOnce(growth, need);
      if (trouble === null) this.#sides[what] = newSide();
      else this.#fail(trouble);
    } catch (error) {
      // Also what LVM did meanwhile counts: it may be large enough, and then nothing was wrong but the order.
      if (await this.#hasGrown(what, usage)) return;
      const { code, message } = toFault(error);
      const advice = 'It is tried again by itself; the daemon\'s log has more. "thinsnap pool extend" does it by hand';
      this.#fail({ what, reason: code, found: `The pool's ${what} space could not be extended: ${message}`, advice });
    }
  }

  async #tryOnce(growth: Growth, { what, usage, wantedBytes }: Need): Promise<ExtensionTrouble | null> {
    const { stepBytes } = sizeRules(what, growth.policy, growth.blockBytes);
    const room = await growth.room();
    const size = sizeWithin(wantedBytes, { totalBytes: usage.totalBytes, stepBytes, roomBytes: room.freeBytes });
    if (size === null) return noRoom(what, room);
    const space = await growth.extend({
      dataBytes: what === 'data' ? size : null,
      metadataBytes: what === 'metadata' ? size : null,
    });
    this.#tell(what, usage, space);
    return null;
  }

  async #hasGrown(what: SpaceKind, before: Usage): Promise<boolean> {
    try {
      const after = (await this.#volumes.refreshSpace())[what];
      return after !== null && after.totalBytes > before.totalBytes;
    } catch {
      // What failed first is told.
      return false;
    }
  }

  #tell(what: SpaceKind, { totalBytes: beforeBytes }: Usage, space: Space): void {
    const afterBytes = space[what]?.totalBytes ?? beforeBytes;
    // The figures that asked for it were old: somebody else had done it.
    if (afterBytes <= beforeBytes) return;
    this.#times += 1;
    const extended: Extended = { what, beforeBytes, afterBytes };
    this.#observer.onExtended(extended);
    for (const listener of this.#listeners) listener(extended);
  }

  #fail(trouble: ExtensionTrouble): void {
    const side = this.#sides[trouble.what];
    const isNew = side.trouble?.reason !== trouble.reason;
    const pauseMs = Math.min(Math.max(RETRY_PAUSE_MIN_MS, side.pauseMs * 2), RETRY_PAUSE_MAX_MS);
    this.#sides[trouble.what] = { trouble, pauseMs, notBeforeMs: performance.now() + pauseMs };
    this.#lastFailure = trouble.found;
    if (isNew) this.#observer.onTrouble(trouble);
  }
}

interface Need {
  readonly what: SpaceKind;
  readonly usage: Usage;
  readonly wantedBytes: Bytes;
}

function newSide(): Side {
  return { trouble: null, pauseMs: 0, notBeforeMs: 0 };
}

function noRoom(what: SpaceKind, { limit, advice }: PoolRoom): ExtensionTrouble {
  return { what, reason: 'no-room', found: `The pool's ${what} space cannot be extended: ${limit}`, advice };
}
