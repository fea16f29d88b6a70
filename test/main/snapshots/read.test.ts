// Usage and Mounts on volumes of nothing, while the snapshot is taken away.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { keyLane } from '../../../src/main/lanes.ts';
import { prepare } from '../../../src/main/snapshots/prepare.ts';
import { mounts, usage } from '../../../src/main/snapshots/read.ts';
import { remove } from '../../../src/main/snapshots/remove.ts';
import { GIB, parseBytes } from '../../../src/shared/units.ts';
import { withCore } from '../../support/core.ts';
import { faultOf } from '../../support/faults.ts';
import { Latch, settled } from '../../support/latch.ts';
import { activeOf, deviceOf, pairOf, viewOf } from '../../support/records.ts';

test('usage answers what an active snapshot has added', async () => {
  await withCore(async (core) => {
    const device = deviceOf(1, { state: 'Activated', baselineBytes: parseBytes(4096), mappedBytes: parseBytes(12288) });
    await core.catalog.write([
      { kind: 'put-device', device },
      { kind: 'put-snapshot', snapshot: activeOf('key', 1) },
    ]);
    assert.is(await usage(core, 'key'), 8192);
  });
});

test('usage faults with not-found when the snapshot is removed while its device is asked', async () => {
  await withCore(async (core) => {
    await core.catalog.write([
      { kind: 'put-device', device: deviceOf(1, { state: 'Activated' }) },
      { kind: 'put-snapshot', snapshot: activeOf('key', 1) },
    ]);
    const latch = new Latch();
    core.volumes.act = () => latch.opened;
    const refused = faultOf(usage(core, 'key'));
    await remove(core, 'key', { wait: false });
    latch.open();
    assert.is((await refused).code, 'not-found');
  });
});

test('mounts answers the device of what has its key now, and leaves the one of before alone', async () => {
  await withCore(async (core) => {
    await core.catalog.write([
      ...pairOf('parent', 70),
      { kind: 'put-snapshot', snapshot: viewOf('key', 70, 'parent') },
    ]);
    const latch = new Latch();
    const held = core.lanes.run(keyLane('key'), () => latch.opened);
    const removed = remove(core, 'key', { wait: false });
    const spec = { fsType: 'ext4', fsOptions: [], sizeBytes: parseBytes(GIB) } as const;
    const prepared = prepare(core, spec, { key: 'key', parent: 'parent', labels: new Map() });
    await settled();
    // As after a restart: the view is there, and nothing is active yet.
    const mounted = mounts(core, 'key');
    latch.open();
    await Promise.all([held, removed]);
    assert.equal(await mounted, await prepared);
    assert.is(core.volumes.activity(deviceOf(70)), 'none');
  });
});

test.run();
