// The table of device states, cell by cell.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DEVICE_STATES, type DeviceEvent, nextState } from '../../../src/main/catalog/records.ts';

const EVENTS: readonly DeviceEvent[] = ['activate', 'fault', 'deactivate', 'remove'];

test('nextState moves as the life of a device goes, and nowhere else', () => {
  const moves = DEVICE_STATES.flatMap((state) => EVENTS.map((event) => [state, event, nextState(state, event)]));
  assert.equal(moves, [
    ['Creating', 'activate', 'Activated'],
    ['Creating', 'fault', null],
    ['Creating', 'deactivate', 'Deactivated'],
    ['Creating', 'remove', 'Removing'],
    ['Activated', 'activate', null],
    ['Activated', 'fault', 'Faulty'],
    ['Activated', 'deactivate', 'Deactivated'],
    ['Activated', 'remove', 'Removing'],
    ['Faulty', 'activate', null],
    ['Faulty', 'fault', null],
    ['Faulty', 'deactivate', null],
    ['Faulty', 'remove', 'Removing'],
    ['Deactivated', 'activate', null],
    ['Deactivated', 'fault', null],
    ['Deactivated', 'deactivate', null],
    ['Deactivated', 'remove', 'Removing'],
    ['Removing', 'activate', null],
    ['Removing', 'fault', null],
    ['Removing', 'deactivate', null],
    ['Removing', 'remove', null],
  ]);
});

test.run();
