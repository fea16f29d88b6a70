// A pool that is not there yet when the daemon starts is brought back by it, after a reboot above all: by its description,
// or by LVM where LVM has it. Nobody writes a unit for that.

import type { Logger } from 'pino';
import { isFault } from '../../../shared/faults.ts';
import { type PoolRef, parseLvmDeviceName } from '../../../shared/pool-makeup.ts';
import type { PoolAssembly } from '../../../shared/tasks.ts';
import type { Autoextend } from '../../config/autoextend.ts';
import type { Config } from '../../config/config.ts';
import { readDescription, refuseIncomplete } from '../../pools/description.ts';
import { whenThere } from '../../pools/device-wait.ts';
import { factsIfActive } from '../../pools/facts.ts';
import type { TaskPool } from '../../task-pool.ts';
import { LVM_UUID_PREFIX } from './open-thin-pool.ts';
import type { KnownPool } from './pool-growth.ts';

export interface BringBackOptions {
  readonly config: Config;
  readonly tasks: TaskPool;
  readonly log: Logger;
  /** The last run did not end as it should. */
  readonly unclean: boolean;
  /** Aborted when the start is given up. */
  readonly signal: AbortSignal;
}

/**
 * A pool that nobody described and that LVM does not have is left to whoever made it. Answers what is known of it. Faults: those
 * of assembling.
 */
export async function bringBack(options: BringBackOptions, poolName: string): Promise<KnownPool> {
  const { config, tasks } = options;
  const description = await readDescription(config.poolDirectory, poolName);
  if (description !== null) {
    refuseIncomplete(description);
    await assemble(options, description);
    return description;
  }
  const makeup = parseLvmDeviceName(poolName);
  const autoextend = autoextendOf(config);
  const facts = makeup === null ? null : await factsIfActive(tasks, poolName);
  // Any device may be called like a volume of LVM's.
  if (facts !== null || makeup === null)
    return { makeup: facts?.uuid.startsWith(LVM_UUID_PREFIX) ? makeup : null, autoextend };
  try {
    await assemble(options, { name: poolName, makeup });
    return { makeup, autoextend };
  } catch (error) {
    // Who opens the pool says that it is not there, and what to do.
    if (!isFault(error, 'device-missing', 'tool-missing')) throw error;
    return { makeup: null, autoextend };
  }
}

/** Where a pool's description says nothing. */
export function autoextendOf({ autoextendThreshold, autoextendPercent }: Config): Autoextend {
  return { thresholdPercent: autoextendThreshold, percent: autoextendPercent };
}

async function assemble({ config, tasks, log, unclean, signal }: BringBackOptions, pool: PoolRef): Promise<void> {
  const { name, makeup } = pool;
  const assembly = await whenThere(() => tasks.run('assemblePool', { name, makeup, check: unclean }), {
    limitMs: config.deviceWaitSeconds * 1000,
    signal,
    onWait: (missing) => log.warn({ limitSeconds: config.deviceWaitSeconds }, `waiting for the pool: ${missing}`),
  });
  logAssembly(log, name, assembly);
}

export function logAssembly(log: Logger, pool: string, { activated, created, check }: PoolAssembly): void {
  if (activated) log.info({ pool, created, check }, 'pool activated');
  if (check === 'no-tool') {
    log.warn({ pool }, 'the last stop was unclean, and thin_check is not installed: the metadata was not checked');
  }
}
