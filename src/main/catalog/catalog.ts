// The durable catalog: every record in LevelDB and in memory, one writer, group commit.
//
// Invariants:
//   * `write` resolves only after an fsync has its changes; memory shows them from then on and never earlier.
//   * All changes of one `write` are in one batch: they are all there after a crash, or none of them is.
//   * Every batch carries the head: a sequence number and the counts of records as they are after it. LevelDB skips a
//     damaged piece of its log in silence, and opens a lost one as empty; the counts are what notices.

import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { ClassicLevel } from 'classic-level';
import { failpoint } from '../../shared/failpoints.ts';
import { FaultError } from '../../shared/faults.ts';
import { type DeviceId, parseDeviceId } from '../../shared/units.ts';
import { CATALOG_FORMAT, type Head, parseHead, parseIdentity, type VolumesIdentity } from './codec.ts';
import { readMarker, writeMarker } from './marker.ts';
import { type Operation, parseRecord, toOperation } from './operations.ts';
import { type Change, Tables } from './tables.ts';

const HEAD_KEY = 'head';
const IDENTITY_KEY = 'identity';

/** Writes that may wait for the disk. */
const PENDING_MAX = 16_384;
/** Writes that share one fsync at most: bounds the size of a batch. */
const BATCH_MAX = 1024;
/** Records, and bytes of them, that are read at once when the catalog is opened: each reading waits for LevelDB's thread. */
const LOAD_MAX = 1024;
const LOAD_BYTES = 1024 * 1024;

/** What the catalog asks of LevelDB: the seam for tests that lose power between any two steps. */
export interface Store {
  get(key: string): Promise<string | undefined>;
  batch(operations: Operation[], options: { sync: true }): Promise<void>;
  iterator(options: { highWaterMarkBytes: number }): {
    nextv(size: number): Promise<[key: string, value: string][]>;
    close(): Promise<void>;
  };
  close(): Promise<void>;
}

interface Pending {
  readonly changes: readonly Change[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class Catalog {
  readonly tables = new Tables();
  readonly #db: Store;
  readonly #catalogId: string;
  #identity: VolumesIdentity | null = null;
  #sequence = 0;
  #lastDeviceId = 0;
  #pending: Pending[] = [];
  #writing: Promise<void> | null = null;
  #broken: FaultError | null = null;
  readonly #observers = new Set<(changes: readonly Change[]) => void>();

  private constructor(db: Store, catalogId: string) {
    this.#db = db;
    this.#catalogId = catalogId;
  }

  /**
   * Opens the catalog under `rootPath`, or makes it when there never was one. Faults: `unavailable` when another
   * process has it; `io` when it is damaged, lost, or of another format.
   */
  static async open(rootPath: string, openStore = openLevel): Promise<Catalog> {
    const location = join(rootPath, 'catalog');
    const marker = await readMarker(rootPath);
    await mkdir(location, { recursive: true, mode: 0o700 });
    const db = await openStore(location, { createIfMissing: marker === null });
    try {
      await failpoint('catalog.store-opened');
      const stored = await db.get(HEAD_KEY);
      if (stored === undefined && marker !== null) throw lost(location);
      const catalog = new Catalog(db, marker ?? (stored === undefined ? newCatalogId() : parseHead(stored).catalogId));
      if (stored === undefined) await catalog.#write([]);
      else await catalog.#load(parseHead(stored));
      await failpoint('catalog.head-written');
      if (marker === null) await writeMarker(rootPath, catalog.#catalogId);
      return catalog;
    } catch (error) {
      await db.close();
      throw error;
    }
  }

  /** This catalog's own name, 32 hexadecimal digits: what ties a pool and its devices to it. */
  get id(): string {
    return this.#catalogId;
  }

  /** The volumes that it was written for; null before the first start has chosen. */
  get identity(): VolumesIdentity | null {
    return this.#identity;
  }

  async setIdentity(identity: VolumesIdentity): Promise<void> {
    await failpoint('catalog.before-identity');
    await this.#write([{ type: 'put', key: IDENTITY_KEY, value: JSON.stringify(identity) }]);
    await failpoint('catalog.after-identity');
    this.#identity = identity;
  }

  /** A number that no device ever had. It is spent when the write that uses it is durable. */
  newDeviceId(): DeviceId {
    this.#lastDeviceId += 1;
    return parseDeviceId(this.#lastDeviceId);
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

  /** Waits for what is being written, then closes. */
  async close(): Promise<void> {
    await this.#writing;
    await this.#db.close();
  }

  /** One synced batch in flight; all that comes meanwhile goes into the next. */
  async #drain(): Promise<void> {
    while (this.#pending.length > 0) {
      // Whoever the last batch answered is only now about to write again: together they share the next fsync.
      await setImmediate();
      const group = this.#pending.splice(0, BATCH_MAX);
      const changes = group.flatMap((pending) => pending.changes);
      try {
        await failpoint('catalog.before-batch');
        await this.#write(changes.map(toOperation), countsAfter(this.tables, changes));
        await failpoint('catalog.after-batch');
      } catch (error) {
        // LevelDB takes no more writes after one has failed, so nothing that waits can succeed either.
        this.#broken = writeFault(error);
        for (const pending of [...group, ...this.#pending.splice(0)]) pending.reject(this.#broken);
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

  async #write(operations: readonly Operation[], counts = countsAfter(this.tables, [])): Promise<void> {
    const head: Head = {
      format: CATALOG_FORMAT,
      catalogId: this.#catalogId,
      sequence: this.#sequence + 1,
      ...counts,
      lastDeviceId: this.#lastDeviceId,
    };
    await this.#db.batch([...operations, { type: 'put', key: HEAD_KEY, value: JSON.stringify(head) }], { sync: true });
    this.#sequence += 1;
  }

  async #load(head: Head): Promise<void> {
    const iterator = this.#db.iterator({ highWaterMarkBytes: LOAD_BYTES });
    try {
      for (let entries = await iterator.nextv(LOAD_MAX); entries.length > 0; entries = await iterator.nextv(LOAD_MAX)) {
        for (const [key, value] of entries) {
          const change = parseRecord(key, value);
          if (change !== null) this.tables.apply(change);
          else if (key === IDENTITY_KEY) this.#identity = parseIdentity(value);
        }
      }
    } finally {
      await iterator.close();
    }
    const { snapshots, devices } = this.tables;
    if (head.catalogId !== this.#catalogId || snapshots.size !== head.snapshots || devices.size !== head.devices) {
      throw damaged(head, snapshots.size, devices.size);
    }
    for (const snapshot of snapshots.values()) {
      if (!devices.has(snapshot.deviceId)) throw damaged(head, snapshots.size, devices.size);
    }
    this.#sequence = head.sequence;
    this.#lastDeviceId = head.lastDeviceId;
  }
}

async function openLevel(location: string, options: { createIfMissing: boolean }): Promise<Store> {
  const db = new ClassicLevel(location, options);
  try {
    await db.open();
    return db;
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const locked = cause instanceof Error && 'code' in cause && cause.code === 'LEVEL_LOCKED';
    if (locked) throw new FaultError('unavailable', `Cannot open the catalog ${location}: another process has it open`);
    throw new FaultError('io', `Cannot open the catalog ${location}: ${String(cause)}`, { cause: error });
  }
}

/** How many records there are once `changes` are applied, in their order. */
function countsAfter(tables: Tables, changes: readonly Change[]): { snapshots: number; devices: number } {
  const snapshots = new Map<string, boolean>();
  const devices = new Map<DeviceId, boolean>();
  for (const change of changes) {
    if (change.kind === 'put-snapshot') snapshots.set(change.snapshot.key, true);
    else if (change.kind === 'delete-snapshot') snapshots.set(change.key, false);
    else if (change.kind === 'put-device') devices.set(change.device.id, true);
    else devices.set(change.id, false);
  }
  return {
    snapshots: tables.snapshots.size + difference(snapshots, tables.snapshots),
    devices: tables.devices.size + difference(devices, tables.devices),
  };
}

function difference<Key>(after: ReadonlyMap<Key, boolean>, before: ReadonlyMap<Key, unknown>): number {
  let sum = 0;
  for (const [key, present] of after) sum += Number(present) - Number(before.has(key));
  return sum;
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

function lost(location: string): FaultError {
  return new FaultError(
    'io',
    `Cannot use the catalog ${location}: it is empty, but this root_path had one. Bring its files back from a backup; to start anew, remove the root_path whole`,
  );
}

function damaged(head: Head, snapshots: number, devices: number): FaultError {
  return new FaultError(
    'io',
    `Cannot use the catalog: it should hold ${head.snapshots} snapshots and ${head.devices} devices, and ${snapshots} and ${devices} can be read. Bring its files back from a backup`,
  );
}
