// The lines by which a test file asks for its guest: a word that is not understood must not be passed over.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseNightly, parseWishes } from './cases.ts';

test('parseWishes() takes the guest without udevd, once, when a file asks for nothing', () => {
  assert.equal(parseWishes('a.test.js', '// What it is for.\n'), [
    { file: 'a.test.js', guest: 'plain', name: 'a.test.js', env: {}, pool: false, qemu: false },
  ]);
});

test('parseWishes() reads guests and the pool', () => {
  const wishes = (source: string): unknown => parseWishes('a', source).map(({ guest, pool }) => `${guest} ${pool}`);
  assert.equal(wishes('// It.\n// vm: udev\n'), ['udev false']);
  assert.equal(wishes('// vm: both pool\n'), ['plain true', 'udev true']);
});

test('parseWishes() reads what User Mode Linux has not', () => {
  assert.equal(
    parseWishes('a', '// vm: plain qemu pool\n').map(({ qemu, pool }) => [qemu, pool]),
    [[true, true]],
  );
});

test('parseWishes() makes a case of each combination', () => {
  assert.equal(
    parseWishes('a', '// vm: pool X_E=i|d X_F=4|x\n').map(({ name }) => name),
    ['a,i,4', 'a,i,x', 'a,d,4', 'a,d,x'],
  );
});

test('parseWishes() takes each line for itself', () => {
  assert.equal(
    parseWishes('a', '// It.\n// vm: plain pool X_E=i\n// vm: udev X_E=d\n').map((each) => [
      each.guest,
      each.name,
      each.pool,
    ]),
    [
      ['plain', 'a,i', true],
      ['udev', 'a,d', false],
    ],
  );
});

test('parseWishes() refuses a word that it does not know', () => {
  assert.throws(() => parseWishes('a', '// vm: everywhere\n'), /"everywhere" is none of/);
});

test('parseNightly() finds why a file is left to the night', () => {
  assert.is(parseNightly('// It.\n// nightly: takes an hour\n'), 'takes an hour');
  assert.is(parseNightly('// It runs by night.\n'), null);
});

test.run();
