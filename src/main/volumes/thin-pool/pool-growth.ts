// The growth of a pool while it is in use, by the tasks that know what it is made of.

import type { LoopMakeup, LvmMakeup, PoolMakeup, WantedSizes } from '../../../shared/pool-makeup.ts';
import type { PoolRoom, PoolStatus } from '../../../shared/tasks.ts';
import { type Sectors, toBytes } from '../../../shared/units.ts';
import type { Autoextend } from '../../config/autoextend.ts';
import type { TaskPool } from '../../task-pool.ts';
import type { Growth, Space } from '../volumes.ts';
import { toSpace } from './pool-space.ts';

/** What is known of a pool besides its name. */
export interface KnownPool {
  /** Null: whoever made it told nobody. */
  readonly makeup: PoolMakeup | null;
  readonly autoextend: Autoextend;
}

interface GrowingPool {
  readonly tasks: Pick<TaskPool, 'run'>;
  readonly poolName: string;
  readonly poolTag: number | null;
  readonly dataBlockSectors: Sectors;
  readonly known: KnownPool;
}

/** Null for a raw pool, whose devices are whoever's made them, and for one of which nothing is known. */
export function growthOf(pool: GrowingPool, onStatus: (status: PoolStatus) => void): PoolGrowth | null {
  const { tasks, poolName, poolTag, dataBlockSectors } = pool;
  const { makeup, autoextend: policy } = pool.known;
  if (makeup === null || makeup.kind === 'raw') return null;
  return new PoolGrowth({ tasks, poolName, poolTag, dataBlockSectors, makeup, policy, onStatus });
}

interface PoolGrowthOptions {
  readonly tasks: Pick<TaskPool, 'run'>;
  readonly poolName: string;
  readonly poolTag: number | null;
  readonly dataBlockSectors: Sectors;
  readonly makeup: LoopMakeup | LvmMakeup;
  readonly policy: Autoextend;
  /** Takes the status that an extension left. */
  readonly onStatus: (status: PoolStatus) => void;
}

export class PoolGrowth implements Growth {
  readonly policy: Autoextend;
  readonly blockBytes: number;
  readonly #options: PoolGrowthOptions;

  constructor(options: PoolGrowthOptions) {
    this.#options = options;
    this.policy = options.policy;
    this.blockBytes = toBytes(options.dataBlockSectors);
  }

  room(): Promise<PoolRoom> {
    const { tasks, makeup } = this.#options;
    return tasks.run('poolRoom', { makeup });
  }

  async extend(wanted: WantedSizes): Promise<Space> {
    const { tasks, poolName: name, poolTag, makeup, dataBlockSectors, onStatus } = this.#options;
    const status = await tasks.run('extendPool', { name, poolTag, makeup, ...wanted });
    onStatus(status);
    return toSpace(status, dataBlockSectors);
  }
}
