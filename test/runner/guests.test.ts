// Which guests are booted for which cases; and how a guest's results reach the run, also when it died half way.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseWishes } from './cases.ts';
import { inRounds, parseResults, toBoots } from './guests.ts';

const CASES = [
  ...parseWishes('a', '// vm: both X_E=i|d\n'),
  ...parseWishes('b', '// vm: plain qemu\n'),
  ...parseWishes('c', ''),
];
const names = (boots: ReturnType<typeof toBoots>): readonly string[] =>
  boots.map(({ machine, guest, cases }) => `${machine} ${guest}: ${cases.map(({ name }) => name).join(' ')}`);

test('toBoots() gives each case a guest of its own under User Mode Linux, and those that cannot run there one together', () => {
  assert.equal(names(toBoots(CASES, 'uml')), [
    'uml plain: a,i',
    'uml plain: a,d',
    'uml udev: a,i',
    'uml udev: a,d',
    'uml plain: c',
    'qemu plain: b',
  ]);
});

test('toBoots() boots each kind of guest once under qemu', () => {
  assert.equal(names(toBoots(CASES, 'qemu')), ['qemu plain: a,i a,d b c', 'qemu udev: a,i a,d']);
});

test('inRounds() has each file run once before any runs again', () => {
  assert.equal(
    inRounds(CASES).map(({ guest, name }) => `${guest} ${name}`),
    ['plain a,i', 'plain b', 'plain c', 'plain a,d', 'udev a,i', 'udev a,d'],
  );
});

test('parseResults() reads a line for each file', () => {
  const results = parseResults('3 0 1 dist/test/vm/a.test.js\n0 2 0 dist/test/vm/b.test.js\n');
  assert.equal(results.get('dist/test/vm/a.test.js'), { passed: 3, failed: 0, skipped: 1 });
  assert.equal(results.get('dist/test/vm/b.test.js'), { passed: 0, failed: 2, skipped: 0 });
});

test('parseResults() leaves out a line that was cut off', () => {
  assert.is(parseResults('3 0 1 dist/test/vm/a.test.js\n0 2').size, 1);
  assert.is(parseResults('').size, 0);
});

test.run();
