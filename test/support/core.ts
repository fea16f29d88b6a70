// The core of a daemon without its workers and its socket: the real catalog, lanes, pins, reaper, guard, standby and
// devices, on the volumes that a test gives it.

import { Catalog } from '../../src/main/catalog/catalog.ts';
import { Door } from '../../src/main/door.ts';
import { Lanes } from '../../src/main/lanes.ts';
import { Clock } from '../../src/main/snapshots/clock.ts';
import type { Context } from '../../src/main/snapshots/context.ts';
import { Devices } from '../../src/main/snapshots/devices.ts';
import { Pins } from '../../src/main/snapshots/pins.ts';
import type { TaskPool } from '../../src/main/task-pool.ts';
import { Extender } from '../../src/main/upkeep/extender.ts';
import { FaultyDevices } from '../../src/main/upkeep/faulty-devices.ts';
import { Foreground } from '../../src/main/upkeep/foreground.ts';
import { LogReserve } from '../../src/main/upkeep/log-reserve.ts';
import { Reaper } from '../../src/main/upkeep/reaper.ts';
import { SpaceGuard, type SpaceObserver } from '../../src/main/upkeep/space-guard.ts';
import { Standby, type StandbyLimits } from '../../src/main/upkeep/standby.ts';
import type { Volumes } from '../../src/main/volumes/volumes.ts';
import { FaultError } from '../../src/shared/faults.ts';
import type { ThinId } from '../../src/shared/units.ts';
import { FakeVolumes } from './fake-volumes.ts';
import { withScratch } from './scratch.ts';

export interface Core<Kind extends Volumes = FakeVolumes> extends Context {
  readonly volumes: Kind;
  /** What the reaper told: "7 FaultError: ...". */
  readonly errors: string[];
  readonly foreignThinIds: ThinId[];
}

export interface CoreParts<Kind extends Volumes> {
  readonly catalog: Catalog;
  readonly volumes: Kind;
  readonly clock: Clock;
  readonly limits: StandbyLimits;
  readonly onForeignThinId: (thinId: ThinId) => void;
}

const TURNS = 4;
const IGNORED: Omit<SpaceObserver, 'onLook'> = { onError: () => undefined, onCrossing: () => undefined };
const NO_TASKS: Pick<TaskPool, 'run'> = {
  run: () => Promise.reject(new FaultError('unavailable', 'Cannot run a task: there are no workers')),
};
export const NO_STANDBY: StandbyLimits = { perParent: 0, total: 0 };

/** Put together as the daemon does it. Whoever asks for it closes it. */
export function assembleCore<Kind extends Volumes>(parts: CoreParts<Kind>): Core<Kind> {
  const { catalog, volumes, clock, limits } = parts;
  const lanes = new Lanes();
  const pins = new Pins();
  const errors: string[] = [];
  const foreignThinIds: ThinId[] = [];
  const onError = (id: number, error: unknown): void => void errors.push(`${id} ${String(error)}`);
  const foreground = new Foreground();
  const extender = new Extender(volumes, { onExtended: () => undefined, onTrouble: () => undefined });
  const faultyDevices = new FaultyDevices({ catalog, volumes, lanes, onRecorded: () => undefined });
  const observer = { ...IGNORED, onLook: () => void faultyDevices.record() };
  const minFree = { kind: 'percent', percent: 10 } as const;
  const guard = new SpaceGuard({ volumes, minFree, extender, observer });
  const logReserve = new LogReserve({ directory: '/nowhere', tasks: NO_TASKS, onError: () => undefined });
  const isPressed = (): boolean => guard.isShort();
  const common = { catalog, volumes, foreground, onError };
  const reaper = new Reaper({ ...common, lanes, pins, turns: TURNS, isPressed });
  const onForeignThinId = (thinId: ThinId): void => {
    foreignThinIds.push(thinId);
    parts.onForeignThinId(thinId);
  };
  const devices = new Devices({ catalog, volumes, lanes, reaper, guard, onForeignThinId });
  const standby = new Standby({ ...common, devices, reaper, guard, limits, makersMax: TURNS });
  const made = {
    catalog,
    volumes,
    lanes,
    pins,
    reaper,
    devices,
    extender,
    faultyDevices,
    guard,
    logReserve,
    standby,
    foreground,
    clock,
    door: new Door(),
  };
  return { ...made, errors, foreignThinIds };
}

/** In the daemon's order, except that the catalog is the caller's. */
export async function closeCore({ extender, faultyDevices, guard, standby, reaper }: Core<Volumes>): Promise<void> {
  guard.close();
  await faultyDevices.close();
  await extender.close();
  await standby.stop();
  await reaper.close();
}

/** On volumes of nothing. */
export async function withCore(action: (core: Core) => Promise<void>, limits = NO_STANDBY): Promise<void> {
  await withScratch(async (root) => {
    const catalog = await Catalog.open(root);
    const parts = { catalog, limits, clock: new Clock(), onForeignThinId: () => undefined };
    const core = assembleCore({ ...parts, volumes: new FakeVolumes() });
    try {
      await action(core);
    } finally {
      await closeCore(core);
      await catalog.close();
    }
  });
}
