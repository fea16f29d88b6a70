// What every operation works with, put together once at start-up, and what each part tells the log.

import type { Logger } from 'pino';
import { toFault } from '../shared/faults.ts';
import type { Catalog } from './catalog/catalog.ts';
import { catalogDirectory } from './catalog/store.ts';
import type { Config } from './config/config.ts';
import { Door } from './door.ts';
import { Lanes } from './lanes.ts';
import { Clock } from './snapshots/clock.ts';
import type { Context } from './snapshots/context.ts';
import { Devices } from './snapshots/devices.ts';
import { Pins } from './snapshots/pins.ts';
import type { TaskPool } from './task-pool.ts';
import { Extender } from './upkeep/extender.ts';
import { FaultyDevices } from './upkeep/faulty-devices.ts';
import { Foreground } from './upkeep/foreground.ts';
import { LogReserve } from './upkeep/log-reserve.ts';
import { Reaper } from './upkeep/reaper.ts';
import { SpaceGuard, type SpaceLevel } from './upkeep/space-guard.ts';
import { Standby } from './upkeep/standby.ts';
import type { Opened, Volumes } from './volumes/volumes.ts';

/** Threads of the fast lane that what nobody waits for never takes. */
const THREADS_KEPT_FREE = 2;

/** Of a number of things, in one line of the log. */
const SHOWN_MAX = 10;

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
  const watch = watchSpace({ config, log, catalog, tasks }, volumes, lanes);
  const { guard } = watch;
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
    ...watch,
    standby,
    foreground,
    clock: new Clock(),
    door: new Door(),
  };
}

type Watch = Pick<Context, 'extender' | 'faultyDevices' | 'guard' | 'logReserve'>;

/** What sees to space, and to what must be done in time for the lack of it. */
function watchSpace({ config, log, catalog, tasks }: Omit<Parts, 'opened'>, volumes: Volumes, lanes: Lanes): Watch {
  const faultyDevices = new FaultyDevices({
    catalog,
    volumes,
    lanes,
    onRecorded: (ids) =>
      log.error(
        { count: ids.length, deviceIds: ids.slice(0, SHOWN_MAX) },
        'devices may lack what was written to them, since there was no space: what they hold is never committed',
      ),
  });
  const logReserve = new LogReserve({
    directory: catalogDirectory(config.rootPath),
    tasks,
    onError: (found) => log.warn({ found }, 'cannot keep room for records: removals may fail when the disk is full'),
  });
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
      onLook: () => {
        void logReserve.keep();
        void faultyDevices.record();
      },
      onError: (error) => log.warn({ fault: toFault(error).message }, 'cannot see how much space there is'),
      onCrossing: ({ what, level, ...figures }) =>
        log[SPACE_LOG[level].level](figures, `${what} ${SPACE_LOG[level].text}`),
    },
  });
  return { extender, faultyDevices, guard, logReserve };
}
