// The core of a daemon on volumes of nothing: the real catalog, lanes, pins, reaper, guard and devices.

import { Catalog } from '../../src/main/catalog/catalog.ts';
import { Lanes } from '../../src/main/lanes.ts';
import { Devices } from '../../src/main/snapshots/devices.ts';
import { Pins } from '../../src/main/snapshots/pins.ts';
import { Reaper } from '../../src/main/upkeep/reaper.ts';
import { SpaceGuard } from '../../src/main/upkeep/space-guard.ts';
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
  /** What the reaper told: "7 FaultError: ...". */
  readonly errors: string[];
  readonly foreignThinIds: ThinId[];
}

export async function withCore(action: (core: Core) => Promise<void>): Promise<void> {
  await withScratch(async (root) => {
    const catalog = await Catalog.open(root);
    const volumes = new FakeVolumes();
    const lanes = new Lanes();
    const pins = new Pins();
    const errors: string[] = [];
    const foreignThinIds: ThinId[] = [];
    const onError = (id: number, error: unknown): void => void errors.push(`${id} ${String(error)}`);
    const reaper = new Reaper({ catalog, volumes, lanes, pins, onError });
    const guard = new SpaceGuard(volumes, { kind: 'percent', percent: 10 }, () => undefined);
    const onForeignThinId = (thinId: ThinId): void => void foreignThinIds.push(thinId);
    const devices = new Devices({ catalog, volumes, lanes, reaper, guard, onForeignThinId });
    try {
      await action({ catalog, volumes, lanes, pins, reaper, devices, guard, errors, foreignThinIds });
    } finally {
      guard.close();
      await reaper.close();
      await catalog.close();
    }
  });
}
