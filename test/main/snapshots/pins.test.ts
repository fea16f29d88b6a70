// Pins: counted, and let go once by each holder.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Pins } from '../../../src/main/snapshots/pins.ts';
import { parseDeviceId } from '../../../src/shared/units.ts';

const ONE = parseDeviceId(1);
const TWO = parseDeviceId(2);

test('Pins.has is true until every holder has let go', () => {
  const pins = new Pins();
  const first = pins.pin(ONE);
  const second = pins.pin(ONE);
  assert.equal([pins.has(ONE), pins.has(TWO)], [true, false]);
  first();
  assert.ok(pins.has(ONE));
  second();
  assert.not.ok(pins.has(ONE));
});

test('Pins.pin answers a function that counts once however often it is called', () => {
  const pins = new Pins();
  const first = pins.pin(ONE);
  const second = pins.pin(ONE);
  first();
  first();
  assert.ok(pins.has(ONE));
  second();
  const third = pins.pin(ONE);
  second();
  first();
  assert.ok(pins.has(ONE));
  third();
  assert.not.ok(pins.has(ONE));
});

test.run();
