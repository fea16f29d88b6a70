// The volumes of a daemon that does not run, held so that none starts on them meanwhile: for who compares them with its records.

import { parseSectors, type ThinId } from '../../../shared/units.ts';
import type { VolumesIdentity } from '../../catalog/codec.ts';
import type { Device } from '../../catalog/records.ts';
import type { Config } from '../../config/config.ts';
import { TaskPool, UNWATCHED } from '../../task-pool.ts';
import type { ComparisonParts } from '../../upkeep/comparison.ts';
import { FileStockroom } from '../../volumes/blockfile/file-stockroom.ts';
import { blockfileDirectory } from '../../volumes/open-volumes.ts';
import type { Stockroom } from '../../volumes/stockroom.ts';
import { deviceUuidPrefix, withTiedPool } from '../../volumes/thin-pool/open-thin-pool.ts';
import { PoolStockroom } from '../../volumes/thin-pool/pool-stockroom.ts';

/** What the catalog says. */
export interface StoppedRecords {
  readonly catalogId: string;
  readonly identity: VolumesIdentity;
  /** It was brought back. */
  readonly restored: boolean;
  readonly devices: readonly Device[];
}

/** Whoever calls has the root's lock. Faults: as of opening a pool. */
export async function withStoppedVolumes<Value>(
  config: Config,
  records: StoppedRecords,
  action: (parts: ComparisonParts) => Promise<Value>,
): Promise<Value> {
  const tasks = await TaskPool.open({ engine: config.engine, workers: 1, ...UNWATCHED });
  const run = (stockroom: Stockroom): Promise<Value> => action(partsOf(records, stockroom));
  try {
    const { identity, catalogId, restored } = records;
    if (identity.kind === 'blockfile') {
      return await run(new FileStockroom({ tasks, directory: blockfileDirectory(config.rootPath) }));
    }
    const { poolName } = identity;
    const dataBlockSectors = parseSectors(identity.dataBlockSectors);
    const foreign = new Set(identity.foreignThinIds);
    const isForeign = (thinId: ThinId): boolean => foreign.has(thinId);
    const uuidPrefix = deviceUuidPrefix(catalogId);
    return await withTiedPool({ config, tasks, poolName }, { identity, restored }, (poolTag) =>
      run(new PoolStockroom({ tasks, poolName, poolTag, uuidPrefix, dataBlockSectors, isForeign })),
    );
  } finally {
    await tasks.close();
  }
}

/** Nobody writes records meanwhile. */
function partsOf({ devices }: StoppedRecords, stockroom: Stockroom): ComparisonParts {
  const tables = { devices: new Map(devices.map((device) => [device.id, device])) };
  return { catalog: { tables, observe: () => () => undefined }, volumes: { stockroom } };
}
