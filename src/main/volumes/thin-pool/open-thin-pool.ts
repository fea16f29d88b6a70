// Opening a pool: it must be sound, ours alone, and the one that the catalog was written for.
//
// The tie is the pool's transaction id. It is in the pool's own metadata, moves only by compare-and-swap, and a pool
// that was swapped or made anew has another: at the first start a random one is set, marked by its upper bits as ours. LVM
// keeps that number itself and would refuse its pool if it moved; there the uuid that LVM gave the device is the tie.

import { randomInt } from 'node:crypto';
import { failpoint } from '../../../shared/failpoints.ts';
import { FaultError, isFault } from '../../../shared/faults.ts';
import type { EngineReport, PoolFacts } from '../../../shared/tasks.ts';
import { parseThinId, type ThinId } from '../../../shared/units.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { VolumesIdentity } from '../../catalog/codec.ts';
import type { Config } from '../../config/config.ts';
import { lockPool, withPoolLock } from '../../pools/pool-lock.ts';
import type { TaskPool } from '../../task-pool.ts';
import type { Opened } from '../volumes.ts';
import type { KnownPool } from './pool-growth.ts';
import { ThinPoolVolumes } from './thin-pool-volumes.ts';

/** Dm uuids of LVM's devices begin with it. */
export const LVM_UUID_PREFIX = 'LVM-';
/** "tS" in the upper bits of 48; the lower 32 are random. */
const TAG_BASE = 0x7453 * 2 ** 32;
const TAG_RANDOM = 2 ** 32;

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

/** Faults: `unavailable` when another daemon has the pool; `precondition` when it is not ours; `pool-unsound`; `device-missing`. */
export async function openThinPool(options: ThinPoolOpenOptions): Promise<Opened> {
  const { config, catalog, tasks, engine, poolName } = options;
  const lock = await lockPool(poolName);
  try {
    await failpoint('pool.locked');
    const known = await options.activate();
    const facts = await soundFacts(tasks, poolName);
    const identity = await tie(options, facts, catalog.identity ?? (await adopt(options, facts)));
    const foreign = new Set<ThinId>(identity.foreignThinIds);
    const volumes = new ThinPoolVolumes({
      tasks,
      poolName,
      poolTag: identity.tag,
      known,
      description: `thin pool ${poolName}: ${options.reason}; ${engine.kind} engine (driver ${engine.driverVersion}): ${engine.reason}`,
      engine,
      uuidPrefix: deviceUuidPrefix(catalog.id),
      dataBlockSectors: facts.dataBlockSectors,
      status: facts.status,
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

/** Runs `action` with the pool of a daemon that does not run, locked, sound and the right one. Nothing is changed. Faults as of opening it. */
export async function withTiedPool<Value>(
  wanted: Wanted,
  known: PoolIdentity,
  action: () => Promise<Value>,
): Promise<Value> {
  return withPoolLock(wanted.poolName, async () => {
    confirmTied(wanted, await soundFacts(wanted.tasks, wanted.poolName), known);
    return action();
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
    tag: lvm ? null : TAG_BASE + randomInt(TAG_RANDOM),
    tagged: false,
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

async function tie(options: ThinPoolOpenOptions, facts: PoolFacts, known: VolumesIdentity): Promise<PoolIdentity> {
  const { catalog, tasks, poolName } = options;
  const identity = confirmTied(options, facts, known);
  const { tag } = identity;
  if (tag === null || identity.tagged) return identity;
  // A crash between the two writes of an adoption leaves the pool with the tag or without it.
  if (facts.status.transactionId !== tag) await tasks.run('poolTag', { pool: poolName, from: 0, to: tag });
  await failpoint('pool.tag-sent');
  const tagged: PoolIdentity = { ...identity, tagged: true };
  await catalog.setIdentity(tagged);
  await failpoint('pool.tagged');
  return tagged;
}

/** Fault `precondition` when the pool is not the one that the catalog was written for. */
function confirmTied(options: Wanted, facts: PoolFacts, known: VolumesIdentity): PoolIdentity {
  const { poolName } = options;
  if (known.kind !== 'thin-pool' || known.poolName !== poolName) {
    const found = known.kind === 'thin-pool' ? `pool ${known.poolName}` : 'blockfile volumes';
    throw stranger(options, `its snapshots are on ${found}`);
  }
  if (known.dataBlockSectors !== facts.dataBlockSectors) throw stranger(options, 'its blocks have another size');
  if (known.tag === null) {
    if (known.poolUuid !== facts.uuid) throw stranger(options, `its uuid is ${facts.uuid} and was ${known.poolUuid}`);
    return known;
  }
  const { transactionId } = facts.status;
  if (!known.tagged || transactionId === known.tag) return known;
  throw stranger(options, `its transaction id is ${transactionId} and must be ${known.tag}`);
}

function stranger({ poolName, config }: Wanted, found: string): FaultError {
  const advice = `Give the pool that ${config.rootPath} was written for; to start anew on this one, set another root_path`;
  return new FaultError(
    'precondition',
    `Cannot use pool ${poolName}: it is not the one that the catalog was written for: ${found}. ${advice}`,
  );
}
