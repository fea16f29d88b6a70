// Prepare and View on volumes of nothing: what becomes of the parent's device when a call that holds it comes to nothing.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { keyLane } from '../../../src/main/lanes.ts';
import { prepare, view } from '../../../src/main/snapshots/prepare.ts';
import { GIB, MIB, parseBytes } from '../../../src/shared/units.ts';
import { withCore } from '../../support/core.ts';
import { faultOf } from '../../support/faults.ts';
import { Latch, settled } from '../../support/latch.ts';
import { deviceOf, pairOf } from '../../support/records.ts';

const SPEC = { fsType: 'ext4', fsOptions: [], sizeBytes: parseBytes(GIB) } as const;

for (const [name, call] of [
  ['prepare', prepare],
  ['view', view],
] as const) {
  test(`${name} leaves no parent active for writing when its deactivation gave way to a call that failed`, async () => {
    await withCore(async (core) => {
      const parent = deviceOf(1);
      await core.catalog.write([...pairOf('parent', 1), ...pairOf('taken', 2)]);
      // As its commit leaves it: committed, and still to be deactivated.
      await core.volumes.activate(parent, 'rw');
      const latch = new Latch();
      const held = core.lanes.run(keyLane('taken'), () => latch.opened);
      const refused = faultOf(call(core, SPEC, { key: 'taken', parent: 'parent', labels: new Map() }));
      await settled();
      await core.reaper.deactivate(parent.id);
      assert.is(core.volumes.activity(parent), 'rw');
      latch.open();
      assert.is((await refused).code, 'already-exists');
      await held;
      await settled();
      assert.is(core.volumes.activity(parent), 'none');
    });
  });
}

test('prepare makes few bases, however many sizes clients ask for', async () => {
  await withCore(async (core) => {
    const sizes = Array.from({ length: 100 }, (_, index) => Math.round(16 * MIB * 1.16 ** index));
    for (const [index, size] of sizes.entries()) {
      const labels = new Map([['containerd.io/snapshot/max-size', String(size)]]);
      await prepare(core, SPEC, { key: `key-${index}`, parent: '', labels });
      const { deviceId } = core.catalog.tables.snapshot(`key-${index}`);
      assert.is(core.catalog.tables.device(deviceId).sizeBytes, size);
    }
    // 16 MiB to 2^45 bytes in powers of two.
    assert.is([...core.catalog.tables.bases].length, 22);
  });
});

test.run();
