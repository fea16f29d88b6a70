// Sizes: go-units' own cases, and that what is written can be read again.

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { formatSize, formatSizeExactly, parseSize } from '../../src/shared/sizes.ts';
import { GIB, KIB, MIB, parseBytes } from '../../src/shared/units.ts';

const TIB = 1024 * GIB;

// The first rows are go-units' TestRAMInBytes.
const GOOD: readonly (readonly [string, number])[] = [
  ['32', 32],
  ['32b', 32],
  ['32B', 32],
  ['32k', 32 * KIB],
  ['32K', 32 * KIB],
  ['32kb', 32 * KIB],
  ['32Kib', 32 * KIB],
  ['32KIB', 32 * KIB],
  ['32Mb', 32 * MIB],
  ['32Gb', 32 * GIB],
  ['32Tb', 32 * TIB],
  ['4PB', 4096 * TIB],
  ['4P', 4096 * TIB],
  ['32.3', 32],
  ['32.3 mb', Math.floor(32.3 * MIB)],
  ['0.3MB', Math.floor(0.3 * MIB)],
  ['32.5 B', 32],
  ['.5GiB', GIB / 2],
  ['1.5GiB', 1.5 * GIB],
  ['10GB', 10 * GIB],
  ['8192MB', 8 * GIB],
  ['10G', 10 * GIB],
  ['0', 0],
  ['9007199254740991', 2 ** 53 - 1],
];

const BAD = [
  '',
  ' ',
  '.',
  'hello',
  'GB',
  '-32',
  '+32',
  ' 32 ',
  '32m b',
  '32bm',
  '32  mb',
  '32\tmb',
  '32mib ',
  '32i',
  '32ib',
  '1e3',
  '0x10',
  'inf',
  'NaN',
  '1_000',
  '1,5GB',
  '1.2.3GB',
  '10 %',
  '32eb',
  '10GB\n',
  '٣GB',
];

for (const [text, bytes] of GOOD) {
  test(`parseSize() reads "${text}" as go-units does`, () => {
    assert.is(parseSize(text), bytes);
  });
}

for (const text of BAD) {
  test(`parseSize() refuses ${JSON.stringify(text)}`, () => {
    assert.throws(() => parseSize(text), /^Cannot read a size: .* is not a number and a unit, as in "10GB"/);
  });
}

for (const text of ['9007199254740992', '8PiB', '99999999TB', '9'.repeat(60)]) {
  test(`parseSize() refuses ${text} as more than can be counted`, () => {
    assert.throws(() => parseSize(text), /is over 2\^53 - 1 bytes/);
  });
}

test('parseSize() refuses a long text without repeating all of it', () => {
  assert.throws(() => parseSize('9'.repeat(100_000)), /^.{1,160}$/);
});

test('parseSize() reads back what formatSizeExactly() writes, for every size', () => {
  const size = fc.oneof(
    fc.maxSafeNat(),
    fc.tuple(fc.nat(1023), fc.nat(4)).map(([count, exponent]) => count * 1024 ** exponent),
  );
  fc.assert(
    fc.property(size, (bytes) => {
      assert.is(parseSize(formatSizeExactly(parseBytes(bytes))), bytes);
    }),
  );
});

test('formatSize() is never further than half a percent from the truth, and never shows 1024 of a unit', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 52 }), (bytes) => {
      const text = formatSize(parseBytes(bytes));
      assert.ok(Math.abs(parseSize(text) - bytes) <= Math.max(bytes * 0.005, 1), `${bytes} is shown as ${text}`);
      assert.not.match(text, /^1024/);
    }),
  );
});

test('parseSize() does not care for case or for one blank before the unit', () => {
  const unit = fc.constantFrom('', 'b', 'k', 'kb', 'kib', 'm', 'mb', 'mib', 'g', 'gb', 'gib', 't', 'tb', 'tib');
  fc.assert(
    fc.property(fc.nat(8000), unit, (count, suffix) => {
      const bytes = parseSize(`${count}${suffix}`);
      assert.is(parseSize(`${count} ${suffix}`), bytes);
      assert.is(parseSize(`${count}${suffix.toUpperCase()}`), bytes);
    }),
  );
});

test('formatSize() writes what people expect', () => {
  assert.is(formatSize(parseBytes(0)), '0B');
  assert.is(formatSize(parseBytes(1023)), '1023B');
  assert.is(formatSize(parseBytes(1536 * MIB)), '1.5GiB');
  assert.is(formatSize(parseBytes(MIB - 1)), '1MiB');
  assert.is(formatSizeExactly(parseBytes(1536 * MIB)), '1536MiB');
  assert.is(formatSizeExactly(parseBytes(MIB - 1)), '1048575B');
});

test.run();
