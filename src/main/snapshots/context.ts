// What every operation on snapshots works with, made once at start-up.

import type { Catalog } from '../catalog/catalog.ts';
import type { Door } from '../door.ts';
import type { Lanes } from '../lanes.ts';
import type { Extender } from '../upkeep/extender.ts';
import type { FaultyDevices } from '../upkeep/faulty-devices.ts';
import type { Foreground } from '../upkeep/foreground.ts';
import type { LogReserve } from '../upkeep/log-reserve.ts';
import type { Reaper } from '../upkeep/reaper.ts';
import type { SpaceGuard } from '../upkeep/space-guard.ts';
import type { Standby } from '../upkeep/standby.ts';
import type { Volumes } from '../volumes/volumes.ts';
import type { Clock } from './clock.ts';
import type { Devices } from './devices.ts';
import type { Pins } from './pins.ts';

export interface Context {
  readonly catalog: Catalog;
  readonly volumes: Volumes;
  readonly lanes: Lanes;
  readonly pins: Pins;
  readonly devices: Devices;
  readonly reaper: Reaper;
  readonly extender: Extender;
  readonly faultyDevices: FaultyDevices;
  readonly guard: SpaceGuard;
  readonly logReserve: LogReserve;
  readonly standby: Standby;
  readonly foreground: Foreground;
  readonly clock: Clock;
  readonly door: Door;
}
