// How long a Remove waits that is to wait for its deletion.

import { mock } from 'node:test';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { deviceLane } from '../../../src/main/lanes.ts';
import { remove, WAITED_MAX_MS } from '../../../src/main/snapshots/remove.ts';
import { withCore } from '../../support/core.ts';
import { Latch, settled } from '../../support/latch.ts';
import { pairOf } from '../../support/records.ts';

test('remove waits for a deletion that hangs until its limit, and no longer, and the deletion goes on', async () => {
  await withCore(async (core) => {
    await core.catalog.write(pairOf('key', 1));
    const { deviceId } = core.catalog.tables.snapshot('key');
    const latch = new Latch();
    const held = core.lanes.run(deviceLane(deviceId), () => latch.opened);
    let answered = false;
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const removed = remove(core, 'key', { wait: true }).then(() => (answered = true));
      // Its record is a real write, and timers stand still.
      while (core.catalog.tables.device(deviceId).state !== 'Removing') await settled();
      await settled();
      mock.timers.tick(WAITED_MAX_MS - 1);
      await settled();
      assert.is(answered, false);
      mock.timers.tick(1);
      await removed;
    } finally {
      mock.timers.reset();
    }
    latch.open();
    await held;
    await core.reaper.tryAll();
    assert.is(core.catalog.tables.devices.has(deviceId), false);
  });
});

test('remove that waits is answered as soon as its deletion was tried', async () => {
  await withCore(async (core) => {
    await core.catalog.write(pairOf('key', 1));
    const { deviceId } = core.catalog.tables.snapshot('key');
    await remove(core, 'key', { wait: true });
    assert.is(core.catalog.tables.devices.has(deviceId), false);
  });
});

test.run();
