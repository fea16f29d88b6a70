// The durable catalog: every record in LevelDB and in memory, one writer, group commit.
//
// Invariants:
//   * `write` resolves only after an fsync has its changes; memory shows them from then on and never earlier.
//   * All changes of one `write` are in one batch: they are all there after a crash, or none of them is.
//   * Every record has its checksum, and every batch carries the head: a sequence number, the counts of records and the sum of
//     their checksums as they are after it. LevelDB skips a damaged piece of its log in silence, and opens a lost one as
//     empty; the head is what notices. That the newest batches are missing, the head with them, is told by the mark.

import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { failpoint } from '../../shared/failpoints.ts';
import { FaultError } from '../../shared/faults.ts';
import { type DeviceId, parseDeviceId, THIN_ID_MAX } from '../../shared/units.ts';
import type { Lock } from '../lock.ts';
import { CATALOG_FORMAT, type Head, type VolumesIdentity } from './codec.ts';
import type { Captured, Contents } from './contents.ts';
import { type Mark, markOf } from './mark.ts';
import { writeMarker } from './marker.ts';
import { openChecked } from './opening.ts';
import { HEAD_KEY, IDENTITY_KEY, type Operation, toOperation, toPut } from './operations.ts';
import { FILES, type Storage, type Store } from './store.ts';
import { type Change, Tables } from './tables.ts';
import { Tally } from './tally.ts';

/** Writes that may wait for the disk. */
const PENDING_MAX = 16_384;
/** Writes that share one fsync at most: bounds the size of a batch. */
const BATCH_MAX = 1024;

interface Pending {
  readonly changes: readonly Change[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface Parts {
  readonly catalogId: string;
  readonly db: Store;
  readonly mark: Mark;
  readonly lock: Lock;
  /** Null: it is new. */
  readonly contents: Contents | null;
}

export class Catalog {
  readonly tables: Tables;
  /** This catalog's own name, 32 hexadecimal digits: what ties a pool and its devices to it. */
  readonly id: string;
  readonly #db: Store;
  readonly #mark: Mark;
  readonly #lock: Lock;
  readonly #tally: Tally;
  #identity: VolumesIdentity | null;
  #sequence: number;
  #lastDeviceId: number;
  #lastThinId: number;
  #restored: boolean;
  #pending: Pending[] = [];
  #writing: Promise<void> | null = null;
  #marking: Promise<void> = Promise.resolve();
  #broken: FaultError | null = null;
  readonly #observers = new Set<(changes: readonly Change[]) => void>();

  private constructor({ catalogId, db, mark, lock, contents }: Parts) {
    this.id = catalogId;
    this.#db = db;
    this.#mark = mark;
    this.#lock = lock;
    this.tables = contents?.tables ?? new Tables();
    this.#tally = contents?.tally ?? new Tally();
    this.#identity = contents?.identity ?? null;
    this.#sequence = contents?.head.sequence ?? 0;
    this.#lastDeviceId = contents?.head.lastDeviceId ?? 0;
    this.#lastThinId = contents?.head.lastThinId ?? 0;
    this.#restored = contents?.head.restored ?? false;
  }

  /**
   * Opens the catalog under `rootPath`, or makes it when there never was one. Faults: `unavailable` when another
   * process has it; `io` when it is damaged or lost; `unsupported` when it is of another format. Then its files are as they were.
   */
  static async open(rootPath: string, storage: Storage = FILES): Promise<Catalog> {
    const lock = await storage.lock(rootPath);
    try {
      await failpoint('start.locked');
      const { marker, mark, db, contents } = await openChecked(rootPath, storage);
      await failpoint('catalog.store-opened');
      const catalogId = contents?.head.catalogId ?? newCatalogId();
      const catalog = new Catalog({ catalogId, db, mark, lock, contents });
      try {
        if (contents === null) await catalog.#write([]);
        else if (mark.found === null) catalog.#putMark();
        await catalog.#marking;
        if (catalog.#broken !== null) throw catalog.#broken;
        await failpoint('catalog.head-written');
        if (marker === null) await writeMarker(rootPath, catalogId);
        return catalog;
      } catch (error) {
        await mark.close();
        await db.close();
        throw error;
      }
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /** The volumes that it was written for; null before the first start has chosen. */
  get identity(): VolumesIdentity | null {
    return this.#identity;
  }

  async setIdentity(identity: VolumesIdentity): Promise<void> {
    await failpoint('catalog.before-identity');
    const { value, sum } = toPut(IDENTITY_KEY, JSON.stringify(identity));
    this.#tally.setIdentity(sum);
    await this.#write([value]);
    await failpoint('catalog.after-identity');
    this.#identity = identity;
  }

  /**
   * Whether it was brought back from a backup or by a repair, and so may be older than the devices: one that it does not
   * know may hold what was acknowledged, and must not be deleted for that.
   */
  get restored(): boolean {
    return this.#restored;
  }

  /** To be called once nothing is left that it does not know. */
  async clearRestored(): Promise<void> {
    this.#restored = false;
    await this.write([]);
  }

  /** A number that no device ever had. It is spent when the write that uses it is durable. */
  newDeviceId(): DeviceId {
    this.#lastDeviceId += 1;
    return parseDeviceId(this.#lastDeviceId);
  }

  /** The thin id that was given out last: the next ones follow it, so that a backup's ids are nobody else's for long. */
  get lastThinId(): number {
    return this.#lastThinId;
  }

  /** Makes the changes durable, then visible, all of them or none. Faults: `overloaded`, `unavailable`. */
  write(changes: readonly Change[]): Promise<void> {
    if (this.#broken !== null) return Promise.reject(this.#broken);
    if (this.#pending.length >= PENDING_MAX) {
      const message = `Cannot write to the catalog: ${PENDING_MAX} writes already wait for the disk`;
      return Promise.reject(new FaultError('overloaded', message));
    }
    return new Promise((resolve, reject) => {
      this.#pending.push({ changes, resolve, reject });
      this.#writing ??= this.#drain();
    });
  }

  /**
   * Calls `observer` with the changes of each write once they are durable and just before they are visible, so that it
   * still finds the records that they replace. It must not throw. The function answered ends it.
   */
  observe(observer: (changes: readonly Change[]) => void): () => void {
    this.#observers.add(observer);
    return () => this.#observers.delete(observer);
  }

  /** Why nothing can be written any more; null while it can. */
  get fault(): FaultError | null {
    return this.#broken;
  }

  /** Everything as it is at this moment, for a backup. */
  capture(): Captured {
    return {
      head: this.#head(this.#sequence),
      identity: this.#identity,
      snapshots: [...this.tables.snapshots.values()],
      devices: [...this.tables.devices.values()],
    };
  }

  /** Waits for what is being written, then closes. */
  async close(): Promise<void> {
    await this.#writing;
    await this.#marking;
    try {
      await this.#mark.close();
    } finally {
      await this.#db.close();
      await this.#lock.release();
    }
  }

  /** One synced batch in flight; all that comes meanwhile goes into the next. */
  async #drain(): Promise<void> {
    while (this.#pending.length > 0) {
      // Whoever the last batch answered is only now about to write again: together they share the next fsync.
      await setImmediate();
      const group = this.#pending.splice(0, BATCH_MAX);
      try {
        await failpoint('catalog.before-batch');
        await this.#write(group.flatMap(({ changes }) => changes.map((change) => this.#tallied(change))));
        await failpoint('catalog.after-batch');
      } catch (error) {
        const fault = this.#break(error);
        for (const pending of [...group, ...this.#pending.splice(0)]) pending.reject(fault);
        break;
      }
      for (const pending of group) {
        for (const observer of this.#observers) observer(pending.changes);
        for (const change of pending.changes) this.tables.apply(change);
      }
      for (const pending of group) pending.resolve();
    }
    this.#writing = null;
  }

  /** Counts it as done: a catalog that cannot write it writes nothing any more. */
  #tallied(change: Change): Operation {
    const { value, sum } = toOperation(change);
    if (change.kind === 'put-device' && !this.#tally.hasDevice(change.device.id)) {
      const { place } = change.device;
      if (place.kind === 'thin') this.#lastThinId = later(place.thinId, this.#lastThinId);
    }
    this.#tally.add(change, sum);
    return value;
  }

  async #write(operations: readonly Operation[]): Promise<void> {
    const head = toPut(HEAD_KEY, JSON.stringify(this.#head(this.#sequence + 1))).value;
    try {
      if (this.#broken !== null) throw this.#broken;
      await this.#db.batch([...operations, head], { sync: true });
    } catch (error) {
      throw this.#break(error);
    }
    this.#sequence += 1;
    await this.#marking;
    this.#putMark();
  }

  /** Nobody waits for it, but the next one and the end. */
  #putMark(): void {
    this.#marking = this.#mark.put(markOf(this.#head(this.#sequence))).catch((error: unknown) => {
      this.#break(error);
    });
  }

  #head(sequence: number): Head {
    return {
      format: CATALOG_FORMAT,
      catalogId: this.id,
      sequence,
      ...this.#tally.figures,
      lastDeviceId: this.#lastDeviceId,
      lastThinId: this.#lastThinId,
      restored: this.#restored,
    };
  }

  /** LevelDB takes no more writes after one has failed, so nothing that comes later can succeed either. */
  #break(error: unknown): FaultError {
    this.#broken ??= writeFault(error);
    return this.#broken;
  }
}

/** The later one of two ids in a row that begins again after its end. */
function later(a: number, b: number): number {
  const ahead = (a - b + THIN_ID_MAX) % THIN_ID_MAX;
  return ahead <= THIN_ID_MAX / 2 ? a : b;
}

function newCatalogId(): string {
  return randomUUID().replaceAll('-', '');
}

function writeFault(error: unknown): FaultError {
  const reason = error instanceof Error ? error.message : String(error);
  return new FaultError(
    'unavailable',
    `Cannot write to the catalog: ${reason}. Nothing is changed any more; see that its file system has space and is writable, then restart thinsnapd`,
    { cause: error },
  );
}
