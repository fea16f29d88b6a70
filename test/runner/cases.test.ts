// The line by which a test file asks for its guest: a word that is not understood must not be passed over.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseWish } from './cases.ts';

test('parseWish() takes the guest without udevd, once, when a file asks for nothing', () => {
  const { guests, cases } = parseWish('a.test.js', '// What it is for.\n');
  assert.equal(guests, ['plain']);
  assert.equal(cases, [{ file: 'a.test.js', name: 'a.test.js', env: {}, pool: false }]);
});

test('parseWish() reads guests and the pool', () => {
  assert.equal(parseWish('a', '// It.\n// vm: udev\n').guests, ['udev']);
  const { guests, cases } = parseWish('a', '// vm: both pool\n');
  assert.equal(guests, ['plain', 'udev']);
  assert.is(cases[0]?.pool, true);
});

test('parseWish() makes a case of each combination', () => {
  const { cases } = parseWish('a', '// vm: pool X_E=i|d X_F=4|x\n');
  assert.equal(
    cases.map(({ name }) => name),
    ['a,i,4', 'a,i,x', 'a,d,4', 'a,d,x'],
  );
  assert.equal(cases[2]?.env, { X_E: 'd', X_F: '4' });
});

test('parseWish() refuses a word that it does not know', () => {
  assert.throws(() => parseWish('a', '// vm: everywhere\n'), /"everywhere" is none of/);
});

test.run();
