// Labels by containerd's rules: the limit in bytes, and what each path of an update mask does.

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  applyUpdate,
  checkLabels,
  LABEL_BYTES_MAX,
  LABELS_BYTES_MAX,
  withoutEmpty,
} from '../../../src/main/snapshots/labels.ts';
import { isFault } from '../../../src/shared/faults.ts';

function labelled(labels: Record<string, string>): ReadonlyMap<string, string> {
  return new Map(Object.entries(labels));
}

test('checkLabels() takes a label when it is exactly as long as allowed', () => {
  checkLabels(labelled({ k: 'v'.repeat(LABEL_BYTES_MAX - 1) }));
  checkLabels(labelled({ k: `${'é'.repeat((LABEL_BYTES_MAX - 2) / 2)}v` }));
});

test('checkLabels() takes any number of labels when each is short enough', () => {
  checkLabels(new Map(Array.from({ length: 5001 }, (_, index) => [`key-${index}`, 'v'.repeat(100)])));
});

test('checkLabels() refuses labels when all of them are more than one message holds', () => {
  const fitting = Math.floor(LABELS_BYTES_MAX / (LABEL_BYTES_MAX + 10));
  const labels = Array.from({ length: fitting + 1 }, (_, index): [string, string] => {
    const key = String(index);
    return [key, 'v'.repeat(LABEL_BYTES_MAX - key.length)];
  });
  checkLabels(new Map(labels.slice(1)));
  assert.throws(() => checkLabels(new Map(labels)), /Cannot use 3831 labels: they are \d+ bytes in all/);
});

const TOO_LONG: readonly (readonly [key: string, value: string, message: RegExp])[] = [
  ['k', 'v'.repeat(LABEL_BYTES_MAX), /Cannot use the label "k": key and value are 4097 bytes/],
  ['k', 'é'.repeat(LABEL_BYTES_MAX / 2), /4097 bytes/],
  ['k'.repeat(LABEL_BYTES_MAX), 'v', /"k{64}"\.\.\. \(4096 characters\): key and value are 4097 bytes/],
  ['a\n"\0', 'v'.repeat(LABEL_BYTES_MAX), /the label "a\\n\\"\\u0000": key/],
  ['', 'v'.repeat(LABEL_BYTES_MAX + 1), /the label "": /],
];

for (const [key, value, message] of TOO_LONG) {
  test(`checkLabels() refuses ${value.length} ${value.charAt(0)} under ${JSON.stringify(key.slice(0, 9))} when that is over the limit`, () => {
    const labels = new Map([
      ['fine', 'yes'],
      [key, value],
    ]);
    assert.throws(() => checkLabels(labels), message);
    assert.throws(
      () => checkLabels(labels),
      (error: unknown) => isFault(error, 'invalid'),
    );
  });
}

const CURRENT = { a: '1', b: '2' };

const UPDATES: readonly (readonly [
  mask: readonly string[],
  given: Record<string, string>,
  result: Record<string, string>,
])[] = [
  [[], { c: '3' }, { c: '3' }],
  [[], {}, {}],
  [['labels'], { c: '3' }, { c: '3' }],
  [['labels'], {}, {}],
  [['labels'], { c: '3', d: '' }, { c: '3' }],
  [[], { c: '3', d: '' }, { c: '3' }],
  [['labels.a'], { a: '9', c: '3' }, { a: '9', b: '2' }],
  [['labels.c'], { a: '9', c: '3' }, { a: '1', b: '2', c: '3' }],
  [['labels.a'], {}, { b: '2' }],
  [['labels.a'], { a: '' }, { b: '2' }],
  [['labels.unknown'], {}, { a: '1', b: '2' }],
  [['labels.a', 'labels.b', 'labels.a'], { a: '9' }, { a: '9' }],
  [['labels.a', 'labels'], { c: '3' }, { c: '3' }],
  [['labels', 'labels.c'], { b: '4', c: '' }, { b: '4' }],
  [['labels.x.y/z.w'], { 'x.y/z.w': '7' }, { a: '1', b: '2', 'x.y/z.w': '7' }],
  [['labels.'], { '': 'empty key' }, { a: '1', b: '2', '': 'empty key' }],
];

for (const [mask, given, result] of UPDATES) {
  test(`applyUpdate() does what the mask ${JSON.stringify(mask)} says when given ${JSON.stringify(given)}`, () => {
    const current = labelled(CURRENT);
    assert.equal(applyUpdate(current, labelled(given), mask), labelled(result));
    assert.equal(current, labelled(CURRENT));
  });
}

for (const path of ['name', 'parent', 'kind', 'Labels', 'label', 'labelsx', '', ' labels', 'created_at', 'a\nb']) {
  test(`applyUpdate() refuses a mask when it holds ${JSON.stringify(path)}`, () => {
    for (const mask of [[path], ['labels', path], ['labels.a', path, path]]) {
      assert.throws(
        () => applyUpdate(labelled(CURRENT), new Map(), mask),
        (error: unknown) =>
          isFault(error, 'invalid') && /^Cannot update ".*": only labels can change$/.test(error.message),
      );
    }
  });
}

test('withoutEmpty() drops a label when its value is empty', () => {
  assert.equal(withoutEmpty(labelled({ a: '', b: '2', '': 'x' })), labelled({ b: '2', '': 'x' }));
});

test('applyUpdate() treats every key alike when it is a name that objects own', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('__proto__', 'constructor', 'toString', 'hasOwnProperty'),
      fc.string(),
      (key, value) => {
        const set = applyUpdate(new Map(), new Map([[key, `v${value}`]]), [`labels.${key}`]);
        assert.equal([...set], [[key, `v${value}`]]);
        assert.is(applyUpdate(set, new Map(), [`labels.${key}`]).size, 0);
      },
    ),
  );
});

test.run();
