// The reaper on volumes of nothing: busy devices are tried again, none is touched twice at once, none is forgotten.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { deviceLane } from '../../../src/main/lanes.ts';
import { FaultError } from '../../../src/shared/faults.ts';
import { parseDeviceId } from '../../../src/shared/units.ts';
import { type Core, withCore } from '../../support/core.ts';
import { Latch, settled } from '../../support/latch.ts';
import { deviceOf, viewOf } from '../../support/records.ts';
import { until } from '../../support/until.ts';
import { withTimeout } from '../../support/with-timeout.ts';

const LIMIT_MS = 10_000;
const ONE = parseDeviceId(1);

const busy = async (): Promise<void> => {
  throw new FaultError('device-busy', 'Cannot deactivate: open');
};
const idle = async (): Promise<void> => undefined;

/** Devices 1 to `count`, all in that state. */
async function make(core: Core, state: 'Removing' | 'Deactivated', count = 1): Promise<void> {
  const ids = Array.from({ length: count }, (_, index) => index + 1);
  await core.catalog.write(ids.map((id) => ({ kind: 'put-device', device: deviceOf(id, { state }) })));
}

function emptied({ reaper }: Core): Promise<true> {
  return until(
    LIMIT_MS,
    async () => (reaper.size === 0 ? true : null),
    () => `${reaper.size} jobs are left`,
  );
}

test('Reaper.remove deletes the device, then its record', async () => {
  await withCore(async (core) => {
    await make(core, 'Removing');
    await core.reaper.remove(ONE);
    assert.equal(core.volumes.calls, ['remove 1']);
    assert.is(core.catalog.tables.devices.size, 0);
    assert.is(core.reaper.size, 0);
  });
});

test('Reaper.remove resolves when the device is busy, keeps its record, and deletes it once it is free', async () => {
  await withCore(async (core) => {
    await make(core, 'Removing');
    let tries = 0;
    core.volumes.act = () => {
      tries += 1;
      return tries < 3 ? busy() : idle();
    };
    await core.reaper.remove(ONE);
    assert.equal([tries, core.reaper.size, core.catalog.tables.devices.size], [1, 1, 1]);
    await emptied(core);
    assert.equal([tries, core.catalog.tables.devices.size], [3, 0]);
    assert.equal(core.errors, []);
  });
});

test('Reaper pauses longer after each failure', async () => {
  await withCore(async (core) => {
    await make(core, 'Removing');
    const triedAtMs: number[] = [];
    core.volumes.act = () => {
      triedAtMs.push(performance.now());
      return triedAtMs.length < 4 ? busy() : idle();
    };
    await core.reaper.remove(ONE);
    await emptied(core);
    const pausesMs = triedAtMs.slice(1).map((atMs, index) => atMs - (triedAtMs[index] ?? atMs));
    // A timer may fire a millisecond early by this clock.
    const least = [99, 199, 399];
    assert.equal(
      pausesMs.map((pauseMs, index) => pauseMs >= (least[index] ?? 0)),
      [true, true, true],
    );
  });
});

test('Reaper tells of what fails otherwise, and tries it again as well', async () => {
  await withCore(async (core) => {
    await make(core, 'Removing');
    core.volumes.act = async () => {
      throw new FaultError('io', 'Cannot delete: broken');
    };
    await core.reaper.remove(ONE);
    for (let attempt = 2; attempt <= 5; attempt += 1) await core.reaper.tryAll();
    assert.is(core.volumes.calls.length, 5);
    // After attempts 1, 2 and 4.
    assert.equal(core.errors, Array(3).fill('1 FaultError: Cannot delete: broken'));
    core.volumes.act = idle;
    await core.reaper.tryAll();
    assert.equal([core.reaper.size, core.catalog.tables.devices.size], [0, 0]);
  });
});

test('Reaper works on several devices at once, on one of them never twice, and a busy one holds up no other', async () => {
  await withCore(async (core) => {
    await make(core, 'Removing', 12);
    core.volumes.act = (call) => (call === 'remove 1' ? busy() : settled());
    const ids = [...core.catalog.tables.devices.keys()];
    await Promise.all([...ids, ...ids].map((id) => core.reaper.remove(id)));
    await Promise.all([core.reaper.tryAll(), core.reaper.tryAll()]);
    assert.is(core.volumes.mostOnOne, 1);
    assert.is(core.volumes.mostInAll, 4);
    assert.equal([...core.catalog.tables.devices.keys()], [ONE]);
  });
});

test('Reaper.remove takes the place of a deactivation that waits', async () => {
  await withCore(async (core) => {
    await make(core, 'Deactivated');
    core.volumes.act = busy;
    await core.reaper.deactivate(ONE);
    await core.catalog.write([{ kind: 'put-device', device: deviceOf(1, { state: 'Removing' }) }]);
    core.volumes.act = idle;
    await core.reaper.remove(ONE);
    assert.equal(core.volumes.calls, ['deactivate 1', 'remove 1']);
    assert.is(core.reaper.size, 0);
    await core.reaper.deactivate(ONE);
    assert.is(core.volumes.calls.length, 2);
  });
});

test('Reaper.remove waits for a deactivation that runs, and is not lost with it', async () => {
  await withCore(async (core) => {
    await make(core, 'Deactivated');
    const latch = new Latch();
    core.volumes.act = (call) => (call === 'deactivate 1' ? latch.opened.then(busy) : idle());
    const first = core.reaper.deactivate(ONE);
    await settled();
    await core.catalog.write([{ kind: 'put-device', device: deviceOf(1, { state: 'Removing' }) }]);
    const second = core.reaper.remove(ONE);
    await settled();
    assert.equal(core.volumes.calls, ['deactivate 1']);
    latch.open();
    await Promise.all([first, second]);
    assert.equal(core.volumes.calls, ['deactivate 1', 'remove 1']);
    assert.is(core.volumes.mostOnOne, 1);
    assert.equal([core.reaper.size, core.catalog.tables.devices.size], [0, 0]);
  });
});

test('Reaper waits for the device while somebody has its lane', async () => {
  await withCore(async (core) => {
    await make(core, 'Removing');
    const latch = new Latch();
    const held = core.lanes.run(deviceLane(1), () => latch.opened);
    const removed = core.reaper.remove(ONE);
    await settled();
    assert.equal(core.volumes.calls, []);
    latch.open();
    await Promise.all([held, removed]);
    assert.equal(core.volumes.calls, ['remove 1']);
  });
});

test('Reaper leaves alone what is pinned, viewed, written to, or not to be removed', async () => {
  await withCore(async (core) => {
    await make(core, 'Deactivated', 2);
    await core.catalog.write([
      { kind: 'put-snapshot', snapshot: viewOf('v', 2, '') },
      { kind: 'put-device', device: deviceOf(3, { state: 'Activated' }) },
    ]);
    const unpin = core.pins.pin(ONE);
    for (const id of core.catalog.tables.devices.keys()) await core.reaper.deactivate(id);
    for (const id of core.catalog.tables.devices.keys()) await core.reaper.remove(id);
    assert.equal(core.volumes.calls, []);
    unpin();
    await core.reaper.deactivate(ONE);
    assert.equal(core.volumes.calls, ['deactivate 1']);
  });
});

test('Reaper.deactivate asked for while a pinned one is being passed over is not lost', async () => {
  for (let turns = 0; turns < 12; turns += 1) {
    await withCore(async (core) => {
      await make(core, 'Deactivated');
      const unpin = core.pins.pin(ONE);
      const first = core.reaper.deactivate(ONE);
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
      unpin();
      await Promise.all([first, core.reaper.deactivate(ONE)]);
      assert.ok(core.volumes.calls.includes('deactivate 1'), `after ${turns} turns`);
    });
  }
});

test('Reaper.deactivate passes over what was pinned while it waited for its turn', async () => {
  await withCore(async (core) => {
    await make(core, 'Deactivated', 5);
    const latch = new Latch();
    core.volumes.act = () => latch.opened;
    const ids = [...core.catalog.tables.devices.keys()];
    const jobs = ids.map((id) => core.reaper.deactivate(id));
    await settled();
    core.pins.pin(parseDeviceId(5));
    latch.open();
    await Promise.all(jobs);
    assert.equal(core.volumes.calls, ['deactivate 1', 'deactivate 2', 'deactivate 3', 'deactivate 4']);
  });
});

test('Reaper.close waits for what runs, starts nothing more, and forgets nothing durable', async () => {
  await withCore(async (core) => {
    await make(core, 'Removing', 6);
    const latch = new Latch();
    core.volumes.act = () => latch.opened;
    for (const id of core.catalog.tables.devices.keys()) void core.reaper.remove(id);
    await settled();
    const closed = core.reaper.close();
    latch.open();
    await withTimeout(closed, LIMIT_MS, 'close');
    assert.is(core.volumes.calls.length, 4);
    assert.equal([...core.catalog.tables.devices.keys()], [5, 6]);
    await core.reaper.remove(parseDeviceId(5));
    assert.is(core.volumes.calls.length, 4);
  });
});

test.run();
