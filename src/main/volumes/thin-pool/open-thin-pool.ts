// Opening a pool: it must be sound, ours alone, and the one that the catalog was written for.
//
// The tie is the pool's transaction id, as pool-tag.ts has it. LVM keeps that number itself and would refuse its pool if it
// moved; there the uuid that LVM gave the device is the tie.

import { failpoint } from '../../../shared/failpoints.ts';
import { FaultError, isFault } from '../../../shared/faults.ts';
import type { EngineReport, PoolFacts, PoolStatus } from '../../../shared/tasks.ts';
import { parseThinId, type ThinId } from '../../../shared/units.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { VolumesIdentity } from '../../catalog/codec.ts';
import type { Config } from '../../config/config.ts';
import { lockPool, withPoolLock } from '../../pools/pool-lock.ts';
import type { TaskPool } from '../../task-pool.ts';
import type { Opened } from '../volumes.ts';
import type { KnownPool } from './pool-growth.ts';
import { bears, drawTag, moveFrom, startsBetween } from './pool-tag.ts';
import { ThinPoolVolumes } from './thin-pool-volumes.ts';

/** Dm uuids of LVM's devices begin with it. */
export const LVM_UUID_PREFIX = 'LVM-';

export interface ThinPoolOpenOptions {
  readonly config: Config;
  readonly catalog: Catalog;
  readonly tasks: TaskPool;
  readonly engine: EngineReport;
  readonly poolName: string;
  readonly reason: string;
  /** Sees to it that the pool is active, if it can, and answers what is known of it; nobody else has it meanwhile. */
  readonly activate: () => Promise<KnownPool>;
  readonly onForeignThinId: (thinId: number) => void;
}

type Wanted = Pick<ThinPoolOpenOptions, 'config' | 'tasks' | 'poolName'>;
type PoolIdentity = Extract<VolumesIdentity, { kind: 'thin-pool' }>;

/** What a catalog says of the pool that it was written for. */
export interface Tie {
  readonly identity: VolumesIdentity;
  /** The catalog was brought back: the pool may be ahead of it. */
  readonly restored: boolean;
}

/** Faults: `unavailable` when another daemon has the pool; `precondition` when it is not ours; `pool-unsound`; `device-missing`. */
export async function openThinPool(options: ThinPoolOpenOptions): Promise<Opened> {
  const { config, catalog, tasks, engine, poolName } = options;
  const lock = await lockPool(poolName);
  try {
    await failpoint('pool.locked');
    const known = await options.activate();
    const facts = await soundFacts(tasks, poolName);
    const { restored } = catalog;
    const identity = confirmTied(options, facts, {
      identity: catalog.identity ?? (await adopt(options, facts)),
      restored,
    });
    const { tag: poolTag, status } = await countStart(options, facts, identity);
    const foreign = new Set<ThinId>(identity.foreignThinIds);
    const volumes = new ThinPoolVolumes({
      tasks,
      poolName,
      poolTag,
      known,
      description: `thin pool ${poolName}: ${options.reason}; ${engine.kind} engine (driver ${engine.driverVersion}): ${engine.reason}`,
      engine,
      uuidPrefix: deviceUuidPrefix(catalog.id),
      dataBlockSectors: facts.dataBlockSectors,
      status,
      isForeign: (thinId) => foreign.has(thinId),
      isTaken: (thinId) => foreign.has(thinId) || catalog.tables.thinIds.has(thinId),
      lastThinId: catalog.lastThinId,
      mountOptions: config.mountOptions,
      discardBlocks: config.discardBlocks,
    });
    const onForeignThinId = (thinId: number): void => {
      foreign.add(parseThinId(thinId));
      options.onForeignThinId(thinId);
    };
    return { volumes, onForeignThinId, close: () => lock.release() };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** Of the dm uuids of a catalog's devices: the mark by which it knows its own. */
export function deviceUuidPrefix(catalogId: string): string {
  return `thinsnap-${catalogId}-`;
}

/**
 * Runs `action` with the pool of a daemon that does not run, locked, sound and the right one, and with the tag that it bears, if
 * any. Nothing is changed. Faults as of opening it.
 */
export async function withTiedPool<Value>(
  wanted: Wanted,
  known: Tie,
  action: (poolTag: number | null) => Promise<Value>,
): Promise<Value> {
  return withPoolLock(wanted.poolName, async () => {
    const facts = await soundFacts(wanted.tasks, wanted.poolName);
    const { tag } = confirmTied(wanted, facts, known);
    return action(tag === null ? null : facts.status.transactionId);
  });
}

async function soundFacts(tasks: TaskPool, poolName: string): Promise<PoolFacts> {
  let facts: PoolFacts;
  try {
    facts = await tasks.run('poolFacts', { pool: poolName });
  } catch (error) {
    if (!isFault(error, 'device-missing')) throw error;
    const advice =
      'Make it with "thinsnap pool create", bring it back, or leave pool_name out and thinsnapd makes one of its own';
    throw new FaultError(
      'device-missing',
      `Cannot use pool ${poolName}: there is no /dev/mapper/${poolName}. ${advice}`,
    );
  }
  const { mode, needsCheck } = facts.status;
  if (mode === 'ro' || mode === 'fail' || needsCheck) {
    const found = needsCheck ? `its metadata needs a check (mode ${mode})` : `it is in mode ${mode}`;
    const check = `"thinsnap pool check ${poolName}", or thin_check --clear-needs-check-flag on the metadata of a pool that thinsnap did not make (thin_repair where that fails)`;
    const advice = `Stop what uses it, deactivate it, run ${check}, activate it again`;
    throw new FaultError('pool-unsound', `Cannot use pool ${poolName}: ${found}. ${advice}`);
  }
  return facts;
}

/** The first start on this pool: who was there before us is written down, and the tag that it will bear. */
async function adopt({ catalog, tasks, poolName }: ThinPoolOpenOptions, facts: PoolFacts): Promise<PoolIdentity> {
  const lvm = facts.uuid.startsWith(LVM_UUID_PREFIX);
  if (!lvm && facts.status.transactionId !== 0) {
    const found = `its transaction id is ${facts.status.transactionId}, so another thinsnap root_path or another program keeps its records for it`;
    throw new FaultError(
      'precondition',
      `Cannot take pool ${poolName}: ${found}. Use that root_path, or a pool of its own`,
    );
  }
  const identity: PoolIdentity = {
    kind: 'thin-pool',
    poolName,
    poolUuid: facts.uuid,
    tag: lvm ? null : drawTag(),
    tagged: false,
    starts: 0,
    dataBlockSectors: facts.dataBlockSectors,
    foreignThinIds: [...(await thinIdsBeforeUs(tasks, poolName, facts))],
  };
  await catalog.setIdentity(identity);
  return identity;
}

/** A pool that holds no data holds nothing that could be lost, so only one that does needs the tool. */
async function thinIdsBeforeUs(tasks: TaskPool, pool: string, facts: PoolFacts): Promise<readonly ThinId[]> {
  try {
    return await tasks.run('poolThinIds', { pool });
  } catch (error) {
    if (!isFault(error, 'tool-missing')) throw error;
    if (facts.status.usedDataBlocks === 0) return [];
    const advice = 'Install thin-provisioning-tools, so that they can be told from ours';
    throw new FaultError('tool-missing', `Cannot take pool ${pool}: it holds devices already. ${advice}`);
  }
}

/** This start, in the pool's tag and in the catalog: intent, message, record. */
async function countStart(
  { catalog, tasks, poolName }: ThinPoolOpenOptions,
  { status }: PoolFacts,
  identity: PoolIdentity,
): Promise<{ readonly tag: number | null; readonly status: PoolStatus }> {
  if (identity.tag === null) return { tag: null, status };
  const from = status.transactionId;
  const move = moveFrom({ ...identity, tag: identity.tag }, from);
  if (move.tag !== identity.tag) await catalog.setIdentity(move);
  const moved = from === move.tag ? status : await tasks.run('poolTag', { pool: poolName, from, to: move.tag });
  await failpoint('pool.tag-sent');
  await catalog.setIdentity({ ...move, tagged: true });
  await failpoint('pool.tagged');
  return { tag: move.tag, status: moved };
}

/** Fault `precondition` when the pool is not the one that the catalog was written for, or another state of it. */
function confirmTied(
  options: Wanted,
  { status, ...facts }: PoolFacts,
  { identity: known, restored }: Tie,
): PoolIdentity {
  const { poolName } = options;
  if (known.kind !== 'thin-pool' || known.poolName !== poolName) {
    const found = known.kind === 'thin-pool' ? `pool ${known.poolName}` : 'blockfile volumes';
    throw stranger(options, `its snapshots are on ${found}`);
  }
  if (known.dataBlockSectors !== facts.dataBlockSectors) throw stranger(options, 'its blocks have another size');
  const { tag } = known;
  if (tag === null) {
    if (known.poolUuid !== facts.uuid) throw stranger(options, `its uuid is ${facts.uuid} and was ${known.poolUuid}`);
    return known;
  }
  const { transactionId } = status;
  if (bears({ ...known, tag }, transactionId)) return known;
  const ahead = startsBetween(tag, transactionId);
  if (ahead !== null && restored) return known;
  const found = `its transaction id is ${transactionId} and must be ${tag}`;
  if (ahead !== null) throw olderCatalog(options, `${found}, ${showStarts(ahead)} ahead of the catalog`);
  const behind = startsBetween(transactionId, tag);
  if (behind !== null) throw olderPool(options, `${found}, ${showStarts(behind)} behind the catalog`);
  throw stranger(options, found);
}

function olderCatalog({ poolName, config }: Wanted, found: string): FaultError {
  const advice = `Bring back the newer ${config.rootPath}. Without it, "thinsnap catalog restore" with a backup takes the pool as it is`;
  return new FaultError(
    'precondition',
    `Cannot use pool ${poolName}: the catalog is an older copy, of before what is in the pool: ${found}. ${advice}`,
  );
}

function olderPool({ poolName }: Wanted, found: string): FaultError {
  const advice = 'Bring back the newer pool, or with this one the root_path that was saved with it';
  return new FaultError(
    'precondition',
    `Cannot use pool ${poolName}: it is an older copy, of before what the catalog speaks of: ${found}. ${advice}`,
  );
}

function showStarts(starts: number): string {
  return starts === 1 ? '1 start' : `${starts} starts`;
}

function stranger({ poolName, config }: Wanted, found: string): FaultError {
  const advice = `Give the pool that ${config.rootPath} was written for; to start anew on this one, set another root_path`;
  return new FaultError(
    'precondition',
    `Cannot use pool ${poolName}: it is not the one that the catalog was written for: ${found}. ${advice}`,
  );
}
