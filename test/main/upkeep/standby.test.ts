// Snapshots made ahead, on volumes of nothing: made for who is prepared often, given to nobody twice, gone with the parent.

import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Device } from '../../../src/main/catalog/records.ts';
import { PLAN_DELAY_MS } from '../../../src/main/upkeep/standby.ts';
import { FaultError } from '../../../src/shared/faults.ts';
import { parseDeviceId } from '../../../src/shared/units.ts';
import { type Core, withCore } from '../../support/core.ts';
import { Latch } from '../../support/latch.ts';
import { deviceOf, pairOf } from '../../support/records.ts';
import { until } from '../../support/until.ts';
import { withTimeout } from '../../support/with-timeout.ts';

const LIMIT_MS = 10_000;
const PARENT = deviceOf(1);
const LIMITS = { perParent: 4, total: 6 };

async function withParents(action: (core: Core) => Promise<void>, limits = LIMITS): Promise<void> {
  await withCore(async (core) => {
    // Numbers that the catalog gives out later must not meet these.
    for (let id = core.catalog.newDeviceId(); id < 10; ) id = core.catalog.newDeviceId();
    await core.catalog.write([1, 2, 3].flatMap((id) => pairOf(`parent ${id}`, id)));
    await action(core);
  }, limits);
}

/** Asks for `count` of them at once; answers those that stood ready. */
function take({ standby }: Core, count: number, parent = PARENT): Device[] {
  return Array.from({ length: count }, () => standby.take(parent)).filter((device) => device !== null);
}

/** Nothing tells of what does not happen: long enough for a plan to have been made and begun. */
async function planned(): Promise<void> {
  await sleep(5 * PLAN_DELAY_MS);
}

function standingReady({ catalog }: Core): Device[] {
  return [...catalog.tables.devices.values()].filter(
    ({ purpose, state }) => purpose.kind === 'standby' && state === 'Activated',
  );
}

function untilReady(core: Core, count: number): Promise<true> {
  return until(
    LIMIT_MS,
    async () => (core.standby.counts.ready === count && standingReady(core).length === count ? true : null),
    () => `${core.standby.counts.ready} are ready, not ${count}`,
  );
}

test('Standby makes as many as a burst asked for, within the limit of one parent, and gives each out once', async () => {
  await withParents(async (core) => {
    assert.equal(take(core, 5), []);
    await untilReady(core, 4);
    assert.equal(core.standby.counts, { ready: 4, wanted: 4, hits: 0, misses: 5 });
    const given = take(core, 5);
    assert.is(new Set(given.map(({ id }) => id)).size, 4);
    assert.equal(
      given.map(({ purpose, state, originId }) => [purpose.kind, state, originId]),
      Array(4).fill(['snapshot', 'Activated', PARENT.id]),
    );
  });
});

test('Standby makes nothing for what is asked for once, nor where a limit is 0', async () => {
  await withParents(async (core) => {
    take(core, 1);
    await planned();
    assert.equal([core.standby.counts.wanted, core.volumes.calls.length], [0, 0]);
  });
  for (const limits of [
    { perParent: 0, total: 6 },
    { perParent: 4, total: 0 },
  ]) {
    await withParents(async (core) => {
      take(core, 5);
      await planned();
      assert.equal([core.standby.counts.wanted, core.volumes.calls.length], [0, 0]);
    }, limits);
  }
});

test('Standby gives the hottest parents what there is in all', async () => {
  await withParents(async (core) => {
    take(core, 2, deviceOf(2));
    take(core, 4, deviceOf(1));
    take(core, 3, deviceOf(3));
    await untilReady(core, 6);
    const origins = standingReady(core).map(({ originId }) => Number(originId));
    assert.equal(origins.sort(), [1, 1, 1, 1, 3, 3]);
  });
});

test('Standby makes nothing while a client waits, and goes on afterwards', async () => {
  await withParents(async (core) => {
    const latch = new Latch();
    const call = core.foreground.run(() => latch.opened);
    take(core, 4);
    await planned();
    assert.equal(core.volumes.calls, []);
    latch.open();
    await call;
    await untilReady(core, 4);
  });
});

test('Standby makes nothing while space is tight, nor of an origin that somebody may write to, nor by copying', async () => {
  for (const spoil of [
    ({ volumes }: Core) => {
      volumes.space = { data: { usedBytes: 850, totalBytes: 1000 }, metadata: null };
    },
    ({ volumes }: Core) => {
      volumes.activity = () => 'rw';
    },
    ({ volumes }: Core) => {
      volumes.sharesBlocks = false;
    },
  ]) {
    await withParents(async (core) => {
      spoil(core);
      take(core, 4);
      await planned();
      assert.equal(core.volumes.calls, []);
    });
  }
});

test('Standby.withdraw answers what the removal of the parent has to write, and undo puts it back', async () => {
  await withParents(async (core) => {
    take(core, 4);
    await untilReady(core, 4);
    const first = core.standby.withdraw(PARENT.id);
    assert.equal(core.standby.counts.ready, 0);
    first.undo();
    assert.equal(core.standby.counts.ready, 4);
    const withdrawal = core.standby.withdraw(PARENT.id);
    await core.catalog.write([...withdrawal.changes]);
    withdrawal.done();
    await core.reaper.tryAll();
    assert.equal([...core.catalog.tables.devices.keys()], [1, 2, 3]);
    assert.equal(core.standby.withdraw(PARENT.id).changes, []);
  });
});

test('Standby leaves nothing of a parent that is removed while one is being made of it', async () => {
  await withParents(async (core) => {
    const latch = new Latch();
    core.volumes.act = (call) => (call.startsWith('createSnapshot') ? latch.opened : Promise.resolve());
    take(core, 2);
    await until(
      LIMIT_MS,
      async () => (core.volumes.calls.length === 2 ? true : null),
      () => 'nothing is being made',
    );
    const withdrawal = core.standby.withdraw(PARENT.id);
    assert.equal(withdrawal.changes, []);
    withdrawal.done();
    latch.open();
    await until(
      LIMIT_MS,
      async () => (core.catalog.tables.devices.size === 3 ? true : null),
      () => `${core.catalog.tables.devices.size} devices are left`,
    );
    assert.is(core.standby.counts.ready, 0);
  });
});

test('Standby tells of a failure, leaves nothing of it, and does not try again at once', async () => {
  await withParents(async (core) => {
    core.volumes.act = async (call) => {
      if (call.startsWith('createSnapshot')) throw new FaultError('io', 'Cannot create: broken');
    };
    take(core, 4);
    await until(
      LIMIT_MS,
      async () => (core.errors.length > 0 && core.catalog.tables.devices.size === 3 ? true : null),
      () => `${core.errors.length} errors, ${core.catalog.tables.devices.size} devices`,
    );
    const { length } = core.volumes.calls;
    take(core, 4);
    await planned();
    assert.is(core.volumes.calls.length, length);
    assert.match(core.errors[0] ?? '', /^1 FaultError: Cannot create: broken$/);
  });
});

test('Standby.adopt keeps what stands ready of a parent that is there, and gives the rest to the reaper', async () => {
  await withParents(async (core) => {
    const standby = { purpose: { kind: 'standby' }, state: 'Activated' } as const;
    await core.catalog.write([
      { kind: 'put-device', device: deviceOf(20, { ...standby, originId: parseDeviceId(1) }) },
      { kind: 'put-device', device: deviceOf(21, { ...standby, originId: parseDeviceId(1) }) },
      { kind: 'put-device', device: deviceOf(22, { ...standby, originId: parseDeviceId(99) }) },
    ]);
    await core.standby.adopt();
    assert.is(core.standby.counts.ready, 2);
    await core.reaper.tryAll();
    assert.equal([...core.catalog.tables.devices.keys()], [1, 2, 3, 20, 21]);
    assert.equal(
      take(core, 3).map(({ id }) => id),
      [20, 21],
    );
  });
});

test('Standby.stop waits for what is being made and starts nothing more', async () => {
  await withParents(async (core) => {
    const latch = new Latch();
    core.volumes.act = () => latch.opened;
    take(core, 2);
    await until(
      LIMIT_MS,
      async () => (core.volumes.calls.length === 2 ? true : null),
      () => 'nothing is being made',
    );
    const stopped = core.standby.stop();
    latch.open();
    await withTimeout(stopped, LIMIT_MS, 'stop');
    take(core, 4);
    await planned();
    assert.is(core.volumes.calls.length, 2);
    assert.is(standingReady(core).length, 2);
  });
});

test.run();
