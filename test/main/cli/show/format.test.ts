// Numbers and times as text.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  showBar,
  showBytes,
  showCount,
  showDuration,
  showJson,
  toRfc3339,
} from '../../../../src/main/cli/show/format.ts';

const DURATIONS: readonly (readonly [number, string])[] = [
  [-5, '0s'],
  [0, '0s'],
  [59.9, '59s'],
  [60, '1m'],
  [3_661, '1h1m'],
  [3_605, '1h'],
  [90_000, '1d1h'],
  [86_400, '1d'],
  [8_640_000, '100d'],
];

for (const [seconds, expected] of DURATIONS) {
  test(`showDuration() shows ${seconds} s as ${expected}`, () => {
    assert.is(showDuration(seconds), expected);
  });
}

test('showBytes() shows what is not known as "-"', () => {
  assert.is(showBytes(undefined), '-');
  assert.is(showBytes(0n), '0B');
  assert.is(showBytes(1_610_612_736n), '1.5GiB');
});

test('showCount() knows one from many', () => {
  assert.equal(
    [0n, 1n, 2n].map((count) => showCount(count, 'device')),
    ['0 devices', '1 device', '2 devices'],
  );
});

test('showBar() is full when more is used than there is, and empty when there is nothing', () => {
  assert.is(showBar(1, 2, false), '##########..........  50%');
  assert.is(showBar(3, 2, true), '████████████████████ 100%');
  assert.is(showBar(0, 0, true), '░░░░░░░░░░░░░░░░░░░░   0%');
});

test('toRfc3339() keeps nanoseconds', () => {
  assert.is(toRfc3339({ seconds: 1_700_000_000n, nanos: 5 }), '2023-11-14T22:13:20.000000005Z');
  assert.is(toRfc3339(undefined), null);
});

test('showJson() escapes inside its texts what a terminal would act on, and stays the same JSON', () => {
  const value = { key: 'a\u009b31m\u202e\u001b[2J\u{e0041}', list: ['\n'] };
  for (const form of ['pretty', 'one line'] as const) {
    const text = showJson(value, form);
    assert.equal(JSON.parse(text), value);
    assert.match(text, /^[ -~\n]+$/);
  }
  assert.is(showJson(value, 'one line').trimEnd().split('\n').length, 1);
});

test.run();
