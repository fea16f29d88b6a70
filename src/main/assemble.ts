// What every operation works with, put together once at start-up, and what each part tells the log.

import type { Logger } from 'pino';
import { toFault } from '../shared/faults.ts';
import type { Catalog } from './catalog/catalog.ts';
import type { Config } from './config/config.ts';
import { Door } from './door.ts';
import { Lanes } from './lanes.ts';
import { Clock } from './snapshots/clock.ts';
import type { Context } from './snapshots/context.ts';
import { Devices } from './snapshots/devices.ts';
import { Pins } from './snapshots/pins.ts';
import type { TaskPool } from './task-pool.ts';
import { Extender } from './upkeep/extender.ts';
import { Foreground } from './upkeep/foreground.ts';
import { Reaper } from './upkeep/reaper.ts';
import { SpaceGuard, type SpaceLevel } from './upkeep/space-guard.ts';
import { Standby } from './upkeep/standby.ts';
import type { Opened, Volumes } from './volumes/volumes.ts';

/** Threads of the fast lane that what nobody waits for never takes. */
const THREADS_KEPT_FREE = 2;

const SPACE_LOG = {
  ok: { level: 'info', text: 'space is no longer low' },
  low: { level: 'warn', text: 'space is low: nothing is made ahead any more' },
  short: { level: 'error', text: 'space is short: new snapshots are refused' },
} as const satisfies Record<SpaceLevel, { level: keyof Logger; text: string }>;

interface Parts {
  readonly config: Config;
  readonly log: Logger;
  readonly catalog: Catalog;
  readonly tasks: TaskPool;
  readonly opened: Opened;
}

export function assemble({ config, log, catalog, tasks, opened }: Parts): Context {
  const { volumes, onForeignThinId } = opened;
  const lanes = new Lanes();
  const pins = new Pins();
  const foreground = new Foreground();
  // They give way to whoever calls, and what they have begun by then leaves these threads free.
  const atOnce = Math.max(1, tasks.fastThreads - THREADS_KEPT_FREE);
  const { extender, guard } = watchSpace({ config, log }, volumes);
  const reaper = new Reaper({
    catalog,
    volumes,
    lanes,
    pins,
    foreground,
    turns: atOnce,
    isPressed: () => guard.isShort(),
    onError: (deviceId, error) => log.warn({ deviceId, fault: toFault(error).message }, 'cannot clean up a device yet'),
  });
  const devices = new Devices({ catalog, volumes, lanes, reaper, guard, onForeignThinId });
  const standby = new Standby({
    catalog,
    volumes,
    devices,
    reaper,
    guard,
    foreground,
    limits: { perParent: config.standbyPerParent, total: config.standbyTotal },
    makersMax: atOnce,
    onError: (parentDeviceId, error) =>
      log.warn({ parentDeviceId, fault: toFault(error).message }, 'cannot make a snapshot ahead'),
  });
  return {
    catalog,
    volumes,
    lanes,
    pins,
    devices,
    reaper,
    extender,
    guard,
    standby,
    foreground,
    clock: new Clock(),
    door: new Door(),
  };
}

function watchSpace(
  { config, log }: Pick<Parts, 'config' | 'log'>,
  volumes: Volumes,
): Pick<Context, 'extender' | 'guard'> {
  const extender = new Extender(volumes, {
    onExtended: ({ what, ...sizes }) => log.info(sizes, `${what} space of the pool was extended`),
    onTrouble: ({ what, reason, found, advice }) =>
      log.warn({ reason, found, advice }, `${what} space of the pool cannot be extended yet`),
  });
  const guard = new SpaceGuard({
    volumes,
    minFree: config.minFreeSpace,
    extender,
    observer: {
      onError: (error) => log.warn({ fault: toFault(error).message }, 'cannot see how much space there is'),
      onCrossing: ({ what, level, ...figures }) =>
        log[SPACE_LOG[level].level](figures, `${what} ${SPACE_LOG[level].text}`),
    },
  });
  return { extender, guard };
}
