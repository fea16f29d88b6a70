// Usage on volumes of nothing, while the snapshot is taken away.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { usage } from '../../../src/main/snapshots/read.ts';
import { remove } from '../../../src/main/snapshots/remove.ts';
import { parseBytes } from '../../../src/shared/units.ts';
import { withCore } from '../../support/core.ts';
import { faultOf } from '../../support/faults.ts';
import { Latch } from '../../support/latch.ts';
import { activeOf, deviceOf } from '../../support/records.ts';

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

test.run();
