// Start-up: the catalog's devices held against what is there, one rule for each difference. What was acknowledged is
// kept, what was half-made is deleted, what was being deleted still is.

import { failpoint } from '../../shared/failpoints.ts';
import type { Change } from '../catalog/tables.ts';
import type { Context } from '../snapshots/context.ts';
import { moved } from '../snapshots/devices.ts';

export interface Recovery {
  readonly snapshots: number;
  readonly devices: number;
  /** Made ahead by an earlier daemon, and kept. */
  readonly standby: number;
  /** Intents that nobody was told of: given to the reaper. */
  readonly halfMade: number;
  /** Removed and not yet gone: given to the reaper. */
  readonly removing: number;
  /** Suspended or frozen in the middle of a commit: let go again. */
  readonly resumed: number;
  /** In the kernel or on disk, ours, and without a record: taken away. */
  readonly withoutRecord: number;
  /** The same, left alone: the catalog was brought back, and may be older than they are. */
  readonly kept: number;
}

export async function recover(context: Context): Promise<Recovery> {
  const { catalog, volumes, reaper } = context;
  const { tables } = catalog;
  await failpoint('recover.begun');
  const found = await volumes.recover(tables.devices, catalog.restored ? 'keep' : 'take-away');
  // A directory shows all its files: where there is none that the catalog does not know, it is older than nothing.
  if (catalog.restored && volumes.kind === 'blockfile' && found.kept === 0) await catalog.clearRestored();
  await failpoint('recover.compared');
  const halfMade: Change[] = [];
  for (const device of tables.devices.values()) {
    if (device.state === 'Creating') halfMade.push({ kind: 'put-device', device: moved(device, 'remove') });
  }
  await failpoint('recover.before-record');
  if (halfMade.length > 0) await catalog.write(halfMade);
  await failpoint('recover.recorded');
  let removing = 0;
  for (const device of tables.devices.values()) {
    if (device.state === 'Removing') {
      removing += 1;
      void reaper.remove(device.id);
    } else if (device.state === 'Deactivated' && volumes.activity(device) !== 'none') {
      void reaper.deactivate(device.id);
    }
  }
  await context.standby.adopt();
  await failpoint('recover.queued');
  return {
    snapshots: tables.snapshots.size,
    devices: tables.devices.size,
    standby: context.standby.counts.ready,
    halfMade: halfMade.length,
    removing: removing - halfMade.length,
    resumed: found.resumed,
    withoutRecord: found.deactivated,
    kept: found.kept,
  };
}
