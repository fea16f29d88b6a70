// What a backup adds to records of which some are lost: what still is what it was, and nothing else.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fill } from '../../../src/main/catalog/fill.ts';
import { activeOf, deviceOf, snapshotOf } from '../../support/records.ts';

const FAULTY = { state: 'Faulty' } as const;
const ACTIVE = { state: 'Activated' } as const;

test('fill adds the record of a device that a snapshot names, and the snapshot of a device that has none', () => {
  const backup = {
    snapshots: [snapshotOf('a', 1), snapshotOf('b', 2), activeOf('c', 3), activeOf('d', 4)],
    devices: [deviceOf(1), deviceOf(2), deviceOf(3, ACTIVE), deviceOf(4, FAULTY)],
  };
  const read = { snapshots: [snapshotOf('a', 1)], devices: [deviceOf(2), deviceOf(3, ACTIVE), deviceOf(4, FAULTY)] };
  const { snapshots, devices, filled } = fill(read, backup);
  assert.equal(snapshots, backup.snapshots);
  assert.equal(devices.map(({ id }) => Number(id)).sort(), [1, 2, 3, 4]);
  assert.equal(filled, ['the record of device 1', 'snapshot "b"', 'snapshot "c"', 'snapshot "d"']);
});

test('fill adds nothing that was removed, committed or given to another since', () => {
  const backup = {
    snapshots: [snapshotOf('removed', 1), activeOf('committed', 2), snapshotOf('taken', 3), snapshotOf('gone', 4)],
    devices: [deviceOf(1), deviceOf(2, ACTIVE), deviceOf(3), deviceOf(4), deviceOf(5)],
  };
  const read = {
    snapshots: [snapshotOf('taken', 6)],
    devices: [deviceOf(1, { state: 'Removing' }), deviceOf(2), deviceOf(3), deviceOf(6)],
  };
  assert.equal(fill(read, backup), { ...read, filled: [] });
});

test.run();
