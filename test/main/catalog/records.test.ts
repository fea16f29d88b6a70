// The table of device states, cell by cell.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DEVICE_STATES, type DeviceEvent, nextState } from '../../../src/main/catalog/records.ts';

const EVENTS: readonly DeviceEvent[] = ['activate', 'deactivate', 'remove'];

test('nextState moves as the life of a device goes, and nowhere else', () => {
  const moves = DEVICE_STATES.flatMap((state) => EVENTS.map((event) => [state, event, nextState(state, event)]));
  assert.equal(moves, [
    ['Creating', 'activate', 'Activated'],
    ['Creating', 'deactivate', 'Deactivated'],
    ['Creating', 'remove', 'Removing'],
    ['Activated', 'activate', null],
    ['Activated', 'deactivate', 'Deactivated'],
    ['Activated', 'remove', 'Removing'],
    ['Deactivated', 'activate', null],
    ['Deactivated', 'deactivate', null],
    ['Deactivated', 'remove', 'Removing'],
    ['Removing', 'activate', null],
    ['Removing', 'deactivate', null],
    ['Removing', 'remove', null],
  ]);
});

test.run();
