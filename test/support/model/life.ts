// One life of a simulated daemon: its catalog on a disk of memory, its thin-pool volumes on a fake pool, and everything
// between as it is in the product. It ends by a stop or by a kill; the disk and the pool stay.

import { Catalog } from '../../../src/main/catalog/catalog.ts';
import { calls } from '../../../src/main/rpc/calls.ts';
import { Clock } from '../../../src/main/snapshots/clock.ts';
import { recover } from '../../../src/main/upkeep/recovery.ts';
import type { StandbyLimits } from '../../../src/main/upkeep/standby.ts';
import { ThinPoolVolumes } from '../../../src/main/volumes/thin-pool/thin-pool-volumes.ts';
import { GIB, parseBytes, type ThinId } from '../../../src/shared/units.ts';
import { assembleCore, type Core, closeCore } from '../core.ts';
import type { Service } from './ask.ts';
import { BLOCK_SECTORS, FAKE_ENGINE, type FakePool } from './fake-pool.ts';
import { FakeTasks } from './fake-tasks.ts';
import { MemoryDisk, type Stored } from './memory-store.ts';
import type { Troubles } from './troubles.ts';
import { Process, type World } from './world.ts';

const POOL_NAME = 'pool';
const FS = { fsType: 'ext4', fsOptions: [], sizeBytes: parseBytes(GIB) } as const;

export interface Settings {
  /** Answers a Remove when its deletion was tried (`async_remove = false`). */
  readonly removalWaits: boolean;
  readonly discardBlocks: boolean;
  readonly standby: StandbyLimits;
}

/** What a daemon finds when it starts, and leaves when it ends. */
export interface Machine {
  readonly root: string;
  readonly world: World;
  readonly disk: MemoryDisk;
  readonly pool: FakePool;
  readonly troubles: Troubles;
  readonly settings: Settings;
}

export interface Life {
  readonly process: Process;
  readonly core: Core<ThinPoolVolumes>;
  readonly service: Service;
}

/** A catalog that was made and never used, and its marker under `root`: what every run begins with. */
export async function makeStored(root: string): Promise<Stored> {
  const disk = new MemoryDisk();
  const catalog = await Catalog.open(root, disk.storage({ step: async () => undefined }));
  await catalog.close();
  return disk;
}

/** Takes no step of the simulated world: nothing but the marker is read. */
export async function openLife(machine: Machine): Promise<Life> {
  const { root, world, disk, pool, troubles, settings } = machine;
  const process = new Process(world);
  const tasks = new FakeTasks({ process, pool, troubles, stamp: () => world.stamp() });
  const catalog = await Catalog.open(root, disk.storage(process));
  const foreign = new Set<ThinId>();
  const volumes = new ThinPoolVolumes({
    tasks,
    engine: FAKE_ENGINE,
    poolName: POOL_NAME,
    poolTag: null,
    known: { makeup: null, autoextend: { thresholdPercent: 100, percent: 20 } },
    description: 'a fake pool',
    uuidPrefix: `thinsnap-${catalog.id}-`,
    dataBlockSectors: BLOCK_SECTORS,
    status: pool.status,
    isForeign: (thinId) => foreign.has(thinId),
    isTaken: (thinId) => foreign.has(thinId) || catalog.tables.thinIds.has(thinId),
    lastThinId: catalog.lastThinId,
    mountOptions: [],
    discardBlocks: settings.discardBlocks,
  });
  const onForeignThinId = (thinId: ThinId): void => void foreign.add(thinId);
  const limits = settings.standby;
  const core = assembleCore({ catalog, volumes, limits, clock: new Clock(world.clock), onForeignThinId });
  return { process, core, service: calls(core, { fs: FS, removal: { wait: settings.removalWaits } }) };
}

/** What comes before the first call is served. */
export async function recoverLife({ core }: Life): Promise<void> {
  await recover(core);
}

/** As `daemon.ts` closes: nothing is deactivated. */
export async function closeLife({ core }: Life): Promise<void> {
  await closeCore(core);
  await core.catalog.close();
}

export function killLife({ core, process }: Life): void {
  process.kill();
  // Of these only the timers end: what they wait for never comes.
  void closeCore(core);
}
