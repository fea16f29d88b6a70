// The core of a daemon on volumes of nothing: the real catalog, lanes, pins, reaper, guard and devices.

import { Catalog } from '../../src/main/catalog/catalog.ts';
import { Lanes } from '../../src/main/lanes.ts';
import { Devices } from '../../src/main/snapshots/devices.ts';
import { Pins } from '../../src/main/snapshots/pins.ts';
import { Foreground } from '../../src/main/upkeep/foreground.ts';
import { Reaper } from '../../src/main/upkeep/reaper.ts';
import { SpaceGuard } from '../../src/main/upkeep/space-guard.ts';
import { Standby, type StandbyLimits } from '../../src/main/upkeep/standby.ts';
import type { ThinId } from '../../src/shared/units.ts';
import { FakeVolumes } from './fake-volumes.ts';
import { withScratch } from './scratch.ts';

export interface Core {
  readonly catalog: Catalog;
  readonly volumes: FakeVolumes;
  readonly lanes: Lanes;
  readonly pins: Pins;
  readonly reaper: Reaper;
  readonly devices: Devices;
  readonly guard: SpaceGuard;
  readonly standby: Standby;
  readonly foreground: Foreground;
  /** What the reaper told: "7 FaultError: ...". */
  readonly errors: string[];
  readonly foreignThinIds: ThinId[];
}

const JOBS_AT_ONCE = 4;
const NO_STANDBY: StandbyLimits = { perParent: 0, total: 0 };

export async function withCore(action: (core: Core) => Promise<void>, limits = NO_STANDBY): Promise<void> {
  await withScratch(async (root) => {
    const catalog = await Catalog.open(root);
    const volumes = new FakeVolumes();
    const lanes = new Lanes();
    const pins = new Pins();
    const errors: string[] = [];
    const foreignThinIds: ThinId[] = [];
    const onError = (id: number, error: unknown): void => void errors.push(`${id} ${String(error)}`);
    const foreground = new Foreground();
    const guard = new SpaceGuard(volumes, { kind: 'percent', percent: 10 }, () => undefined);
    const isPressed = (): boolean => guard.isShort();
    const reaper = new Reaper({
      catalog,
      volumes,
      lanes,
      pins,
      foreground,
      jobsAtOnce: JOBS_AT_ONCE,
      isPressed,
      onError,
    });
    const onForeignThinId = (thinId: ThinId): void => void foreignThinIds.push(thinId);
    const devices = new Devices({ catalog, volumes, lanes, reaper, guard, onForeignThinId });
    const makersMax = JOBS_AT_ONCE;
    const standby = new Standby({
      catalog,
      volumes,
      devices,
      reaper,
      guard,
      foreground,
      limits,
      makersMax,
      onError,
    });
    const core = { catalog, volumes, lanes, pins, reaper, devices, guard, standby, foreground };
    try {
      await action({ ...core, errors, foreignThinIds });
    } finally {
      guard.close();
      await standby.stop();
      await reaper.close();
      await catalog.close();
    }
  });
}
