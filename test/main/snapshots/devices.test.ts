// Making devices on volumes of nothing: the intent comes first, and whatever fails leaves nothing that nobody owns.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { moved } from '../../../src/main/snapshots/devices.ts';
import { FaultError, isFault } from '../../../src/shared/faults.ts';
import { GIB, parseBytes } from '../../../src/shared/units.ts';
import { withCore } from '../../support/core.ts';
import { faultOf } from '../../support/faults.ts';
import { settled } from '../../support/latch.ts';
import { deviceOf } from '../../support/records.ts';

const SPEC = { fsType: 'ext4', fsOptions: ['-O', 'metadata_csum'], sizeBytes: parseBytes(GIB) } as const;
const ORIGIN = deviceOf(99, { mappedBytes: parseBytes(4096) });

test('Devices.snapshotOf writes the intent before anything is made, and answers the record to write next', async () => {
  await withCore(async ({ catalog, volumes, devices }) => {
    const states: unknown[] = [];
    volumes.act = async () => void states.push([...catalog.tables.devices.values()].map(({ state }) => state));
    const device = await devices.snapshotOf(ORIGIN, SPEC.sizeBytes);
    assert.equal(states, [['Creating']]);
    assert.is(device.originId, ORIGIN.id);
    assert.is(device.baselineBytes, ORIGIN.mappedBytes);
    assert.is(device.state, 'Activated');
    assert.equal(catalog.tables.devices.get(device.id), { ...device, state: 'Creating' });
  });
});

test('Devices.snapshotOf gives a device that could not be made to the reaper, and faults as the volumes did', async () => {
  await withCore(async ({ catalog, volumes, devices, reaper }) => {
    volumes.act = async (call) => {
      const [code, text] = call.startsWith('remove') ? (['device-busy', 'open'] as const) : (['io', 'broken'] as const);
      throw new FaultError(code, `Cannot ${call}: ${text}`);
    };
    const fault = await faultOf(devices.snapshotOf(ORIGIN, SPEC.sizeBytes));
    assert.equal([fault.code, fault.message], ['io', 'Cannot createSnapshot 1: broken']);
    assert.equal(
      [...catalog.tables.devices.values()].map(({ state }) => state),
      ['Removing'],
    );
    // The first attempt ends busy; what is asked for is another one.
    await settled();
    volumes.act = async () => undefined;
    await reaper.tryAll();
    assert.is(catalog.tables.devices.size, 0);
  });
});

test("Devices.snapshotOf takes another place when the thin id is somebody else's, and removes nothing", async () => {
  await withCore(async ({ catalog, volumes, devices, foreignThinIds }) => {
    volumes.act = async (call) => {
      if (call === 'createSnapshot 1') throw new FaultError('thin-id-taken', 'Cannot create: taken');
    };
    const device = await devices.snapshotOf(ORIGIN, SPEC.sizeBytes);
    await settled();
    assert.equal(volumes.calls, ['createSnapshot 1', 'createSnapshot 2']);
    assert.equal(foreignThinIds, [1]);
    assert.equal([...catalog.tables.devices.keys()], [device.id]);
    assert.equal([...catalog.tables.thinIds], [2]);
  });
});

test('Devices.snapshotOf gives up after a bounded number of foreign thin ids, and leaves no record', async () => {
  await withCore(async ({ catalog, volumes, devices, foreignThinIds }) => {
    volumes.act = async () => {
      throw new FaultError('thin-id-taken', 'Cannot create: taken');
    };
    assert.is((await faultOf(devices.snapshotOf(ORIGIN, SPEC.sizeBytes))).code, 'pool-unsound');
    assert.equal([foreignThinIds.length, catalog.tables.devices.size], [16, 0]);
  });
});

test('Devices.base makes a base once for 16 who ask at once, and finds it ever after', async () => {
  await withCore(async ({ catalog, volumes, devices, lanes }) => {
    volumes.act = settled;
    const asked = Array.from({ length: 16 }, () => devices.base(SPEC));
    const ids = new Set((await Promise.all(asked)).map(({ id }) => id));
    assert.is(ids.size, 1);
    assert.equal(volumes.calls, ['createBase 1']);
    const base = await devices.base({ ...SPEC });
    assert.equal([base.state, base.mappedBytes, catalog.tables.devices.size], ['Deactivated', 64 * 1024, 1]);
    assert.is(lanes.size, 0);
  });
});

test('Devices.base makes another one for another file system, options or size, and after a failure', async () => {
  await withCore(async ({ volumes, devices }) => {
    volumes.act = async (call) => {
      if (call === 'createBase 1') throw new FaultError('io', 'Cannot format: broken');
    };
    assert.is((await faultOf(devices.base(SPEC))).code, 'io');
    const specs = [
      SPEC,
      { ...SPEC, fsType: 'xfs' as const },
      { ...SPEC, fsOptions: ['-O metadata_csum'] },
      { ...SPEC, sizeBytes: parseBytes(2 * GIB) },
    ];
    const bases = await Promise.all(specs.map((spec) => devices.base(spec)));
    assert.is(new Set(bases.map(({ id }) => id)).size, 4);
  });
});

test('Devices makes nothing when space is short', async () => {
  await withCore(async ({ catalog, volumes, devices }) => {
    volumes.space = { data: { usedBytes: 950, totalBytes: 1000 }, metadata: null };
    assert.is((await faultOf(devices.base(SPEC))).code, 'no-space');
    assert.equal([catalog.tables.devices.size, volumes.calls.length], [0, 0]);
  });
});

test('Devices.snapshotOf removes nothing after a failure that left nothing: what is there by then is not ours', async () => {
  await withCore(async ({ catalog, volumes, devices, reaper }) => {
    volumes.act = async () => {
      throw new FaultError('io', 'Cannot send: refused', { leaves: 'nothing' });
    };
    assert.is((await faultOf(devices.snapshotOf(ORIGIN, SPEC.sizeBytes))).code, 'io');
    assert.equal([catalog.tables.devices.size, reaper.size, volumes.calls.length], [0, 0, 1]);
  });
});

test('moved faults with bug where the table has no move', () => {
  assert.is(moved(deviceOf(1), 'remove').state, 'Removing');
  assert.throws(
    () => moved(deviceOf(1, { state: 'Removing' }), 'activate'),
    (error: unknown) => isFault(error, 'bug'),
  );
});

test.run();
