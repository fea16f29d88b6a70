// Devices that may lack what was written to them: written down once, never committed, removed like any other.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { deviceLane } from '../../../src/main/lanes.ts';
import { commit } from '../../../src/main/snapshots/commit.ts';
import { remove } from '../../../src/main/snapshots/remove.ts';
import { FaultyDevices } from '../../../src/main/upkeep/faulty-devices.ts';
import { FaultError } from '../../../src/shared/faults.ts';
import { parseDeviceId } from '../../../src/shared/units.ts';
import { type Core, withCore } from '../../support/core.ts';
import { faultOf } from '../../support/faults.ts';
import { Latch } from '../../support/latch.ts';
import { activeOf, deviceOf } from '../../support/records.ts';

const ONE = parseDeviceId(1);

/** Active snapshots `key 1` to `key COUNT`, all seen to lack what was written. */
async function makeFaulty({ catalog, volumes }: Core, count: number): Promise<void> {
  for (let id = 1; id <= count; id += 1) {
    await catalog.write([
      { kind: 'put-device', device: deviceOf(id, { state: 'Activated' }) },
      { kind: 'put-snapshot', snapshot: activeOf(`key ${id}`, id) },
    ]);
    volumes.faulty.add(parseDeviceId(id));
  }
}

function telling(core: Core, told: number[][]): FaultyDevices {
  return new FaultyDevices({ ...core, onRecorded: (ids) => void told.push([...ids]) });
}

function statesOf({ catalog }: Core): readonly string[] {
  return [...catalog.tables.devices.values()].map(({ state }) => state);
}

function tryCommit(core: Core, key: string): Promise<void> {
  return commit(core, { name: `name ${key}`, key, labels: new Map(), parent: '' });
}

test('FaultyDevices.record writes down each device once, and tells of all that it wrote in one go', async () => {
  await withCore(async (core) => {
    await makeFaulty(core, 40);
    const told: number[][] = [];
    const faulty = telling(core, told);
    await Promise.all([faulty.record(), faulty.record()]);
    await faulty.record();
    assert.equal(told, [Array.from({ length: 40 }, (_, index) => index + 1)]);
    assert.equal(new Set(statesOf(core)), new Set(['Faulty']));
  });
});

test('FaultyDevices.record leaves alone what is committed by the time of its turn, stands ready, or is unknown', async () => {
  await withCore(async (core) => {
    await makeFaulty(core, 1);
    const standby = deviceOf(2, { state: 'Activated', purpose: { kind: 'standby' } });
    await core.catalog.write([{ kind: 'put-device', device: standby }]);
    for (const id of [2, 3]) core.volumes.faulty.add(parseDeviceId(id));
    const told: number[][] = [];
    const committing = core.lanes.run(deviceLane(ONE), () =>
      core.catalog.write([{ kind: 'put-device', device: deviceOf(ONE, { state: 'Deactivated' }) }]),
    );
    await telling(core, told).record();
    await committing;
    assert.equal([statesOf(core), told], [['Deactivated', 'Activated'], []]);
  });
});

test('FaultyDevices.record waits for each device once, however often it is called meanwhile', async () => {
  await withCore(async (core) => {
    await makeFaulty(core, 40);
    const latch = new Latch();
    const held = Array.from(core.volumes.faulty, (id) => core.lanes.run(deviceLane(id), () => latch.opened));
    let turns = 0;
    const run = core.lanes.run.bind(core.lanes);
    core.lanes.run = (lane, action) => {
      turns += 1;
      return run(lane, action);
    };
    const told: number[][] = [];
    const faulty = telling(core, told);
    const recorded = [faulty.record(), faulty.record(), faulty.record()];
    latch.open();
    await Promise.all([...held, ...recorded]);
    assert.equal([turns, told.flat().length], [40, 40]);
  });
});

test('FaultyDevices.close writes down what could not be written before', async () => {
  await withCore(async (core) => {
    await makeFaulty(core, 1);
    const told: number[][] = [];
    let full = true;
    const { catalog } = core;
    const faulty = new FaultyDevices({
      ...core,
      catalog: Object.create(catalog, {
        tables: { value: catalog.tables },
        write: {
          value: (changes: Parameters<typeof catalog.write>[0]) =>
            full ? Promise.reject(new FaultError('overloaded', 'Cannot write')) : catalog.write(changes),
        },
      }) as typeof catalog,
      onRecorded: (ids) => void told.push([...ids]),
    });
    await faulty.record();
    assert.equal([statesOf(core), told], [['Activated'], []]);
    full = false;
    await faulty.close();
    assert.equal([statesOf(core), told], [['Faulty'], [[1]]]);
  });
});

test('commit refuses what may lack what was written to it, recorded or not, and it can be removed', async () => {
  await withCore(async (core) => {
    await makeFaulty(core, 2);
    const refused = /^Cannot commit "key 1": there was no space left .* Remove it and make it anew$/;
    for (const recorded of [false, true]) {
      if (recorded) await core.faultyDevices.record();
      const { code, message } = await faultOf(tryCommit(core, 'key 1'));
      assert.is(code, 'precondition');
      assert.match(message, refused);
    }
    await remove(core, 'key 1', { wait: true });
    assert.equal([...core.catalog.tables.snapshots.keys()], ['key 2']);
    assert.equal(statesOf(core), ['Faulty']);
  });
});

test.run();
