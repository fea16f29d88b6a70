// What is believed of records that may be older than their devices: nobody gets a device that may be another's.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { settle } from '../../../src/main/catalog/settle.ts';
import { parseThinId } from '../../../src/shared/units.ts';
import { activeOf, deviceOf, snapshotOf, viewOf } from '../../support/records.ts';

const STANDBY = { purpose: { kind: 'standby' }, state: 'Activated' } as const;

test('settle keeps what fits, as it is', () => {
  const snapshots = [snapshotOf('a', 1), activeOf('b', 2), viewOf('c', 1, 'a'), viewOf('d', 3, '')];
  const base = deviceOf(3, { purpose: { kind: 'base', fsOptions: [] } });
  const devices = [deviceOf(1), deviceOf(2, { state: 'Activated' }), base, deviceOf(4, { state: 'Removing' })];
  assert.equal(settle(snapshots, devices), { snapshots, devices, dropped: [] });
});

test('settle forgets what stood ready and what was half-made: it may be somebody’s since', () => {
  const { devices, dropped } = settle([], [deviceOf(1, STANDBY), deviceOf(2, { state: 'Creating' })]);
  assert.equal(devices, []);
  assert.is(dropped.length, 2);
});

test('settle lets a snapshot have the device that its older record calls nobody’s', () => {
  const { devices, dropped } = settle(
    [activeOf('a', 1), snapshotOf('b', 2)],
    [deviceOf(1, STANDBY), deviceOf(2, { state: 'Creating' })],
  );
  assert.equal(devices, [deviceOf(1, { state: 'Activated' }), deviceOf(2)]);
  assert.equal(dropped, []);
});

test('settle leaves a device faulty that an active snapshot has', () => {
  const faulty = deviceOf(1, { state: 'Faulty' });
  assert.equal(settle([activeOf('a', 1)], [faulty]).devices, [faulty]);
});

test('settle forgets a snapshot whose device has no record, or was being removed', () => {
  const { snapshots, dropped } = settle([snapshotOf('a', 1), snapshotOf('b', 2)], [deviceOf(2, { state: 'Removing' })]);
  assert.equal(snapshots, []);
  assert.equal(dropped, ['snapshot "a": the record of its device 1 is missing', 'snapshot "b": it had been removed']);
});

test('settle gives a device that was committed to the committed snapshot, whichever is read first', () => {
  const [active, committed] = [activeOf('a', 1), snapshotOf('b', 1)];
  for (const both of [
    [active, committed],
    [committed, active],
  ]) {
    const settled = settle(both, [deviceOf(1, { state: 'Activated' })]);
    assert.equal(settled.snapshots, [committed]);
    assert.equal(settled.devices, [deviceOf(1)]);
    assert.equal(settled.dropped, ['snapshot "a": its device 1 is that of "b"']);
  }
});

test('settle gives a thin id that was given out again to the later device, and lets the other’s snapshot go', () => {
  const place = { kind: 'thin', thinId: parseThinId(5) } as const;
  const settled = settle(
    [snapshotOf('old', 1), snapshotOf('new', 2)],
    [deviceOf(2, { place }), deviceOf(1, { place })],
  );
  assert.equal(settled.snapshots, [snapshotOf('new', 2)]);
  assert.equal(settled.devices, [deviceOf(2, { place })]);
  assert.equal(settled.dropped, [
    'device 1: its thin id is that of device 2',
    'snapshot "old": its device 1 is not its own',
  ]);
});

test.run();
