// Records to JSON and back: whatever a client may send survives, and what is not whole is refused.

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  formatDevice,
  formatSnapshot,
  parseDevice,
  parseHead,
  parseIdentity,
  parseSnapshot,
} from '../../../src/main/catalog/codec.ts';
import { isFault } from '../../../src/shared/faults.ts';
import { anyDevice, anySnapshot, deviceOf, snapshotOf } from '../../support/records.ts';

const isDamage = (error: unknown) => isFault(error, 'io');
const isOtherFormat = (error: unknown) => isFault(error, 'unsupported');

test('parseSnapshot brings back what formatSnapshot wrote, whatever its texts hold', () => {
  fc.assert(
    fc.property(anySnapshot, (snapshot) => {
      const back = parseSnapshot(formatSnapshot(snapshot));
      assert.equal(back, snapshot);
      assert.equal([...back.labels], [...snapshot.labels]);
    }),
  );
});

test('parseDevice brings back what formatDevice wrote', () => {
  fc.assert(fc.property(anyDevice, (device) => assert.equal(parseDevice(formatDevice(device)), device)));
});

test('parseSnapshot has a label named __proto__ as a label like any other', () => {
  const labels = new Map([
    ['__proto__', 'kept'],
    ['constructor', 'too'],
  ]);
  const back = parseSnapshot(formatSnapshot(snapshotOf('k', 1, { labels })));
  assert.is(back.labels.get('__proto__'), 'kept');
  assert.is(back.labels.get('constructor'), 'too');
  assert.is(back.labels.size, 2);
});

test('parseSnapshot and parseDevice refuse a record that lacks a field, has one too many, or was cut', () => {
  for (const field of Object.keys(snapshotOf('k', 1))) {
    const record = { ...JSON.parse(formatSnapshot(snapshotOf('k', 1))), [field]: undefined };
    assert.throws(() => parseSnapshot(JSON.stringify(record)), isDamage, field);
  }
  for (const field of Object.keys(deviceOf(1))) {
    const record = { ...JSON.parse(formatDevice(deviceOf(1))), [field]: undefined };
    assert.throws(() => parseDevice(JSON.stringify(record)), isDamage, field);
  }
  assert.throws(() => parseDevice(JSON.stringify({ ...deviceOf(1), more: 1 })), isDamage);
  assert.throws(() => parseSnapshot(formatSnapshot(snapshotOf('k', 1)).slice(0, -1)), isDamage);
});

test('parseDevice refuses numbers that no unit allows', () => {
  for (const wrong of [-1, 0.5, 2 ** 53, '1', null]) {
    assert.throws(() => parseDevice(JSON.stringify({ ...deviceOf(1), sizeBytes: wrong })), isDamage);
  }
  const place = { kind: 'thin', thinId: 2 ** 24 };
  assert.throws(() => parseDevice(JSON.stringify({ ...deviceOf(1), place })), isDamage);
});

const badFields: readonly (readonly [string, unknown])[] = [
  ['kind', 'other'],
  ['kind', undefined],
  ['key', 7],
  ['parent', null],
  ['deviceId', '1'],
  ['deviceId', 0.5],
  ['labels', {}],
  ['labels', [['name']]],
  ['labels', [['name', 'value', 'more']]],
  ['labels', [['name', 1]]],
  ['createdAt', [1.5, 0]],
  ['createdAt', [2 ** 53, 0]],
  ['createdAt', [1]],
  ['updatedAt', [1, -1]],
  ['updatedAt', [1, 1_000_000_000]],
  ['updatedAt', [1, 0.5]],
  ['usageBytes', -1],
];
for (const [field, bad] of badFields) {
  test(`parseSnapshot refuses ${JSON.stringify(bad)} as ${field}`, () => {
    const record = { ...JSON.parse(formatSnapshot(snapshotOf('k', 1))), [field]: bad };
    assert.throws(() => parseSnapshot(JSON.stringify(record)), isDamage);
  });
}

for (const text of ['null', '[]', '"text"', '7', '{}', '']) {
  test(`parseSnapshot and parseDevice refuse ${text === '' ? 'nothing' : text}`, () => {
    assert.throws(() => parseSnapshot(text), isDamage);
    assert.throws(() => parseDevice(text), isDamage);
  });
}

test('parseDevice refuses a place and a purpose that are not whole, have more than they may, or are unknown', () => {
  const places = [null, 'file', {}, { kind: 'other' }, { kind: 'thin' }, { kind: 'file', thinId: 1 }];
  for (const place of places) assert.throws(() => parseDevice(JSON.stringify({ ...deviceOf(1), place })), isDamage);
  const purposes = [null, { kind: 'base' }, { kind: 'base', fsOptions: [1] }, { kind: 'snapshot', fsOptions: [] }];
  for (const purpose of purposes) {
    assert.throws(() => parseDevice(JSON.stringify({ ...deviceOf(1), purpose })), isDamage);
  }
});

test('parseSnapshot says which field is wrong', () => {
  const record = JSON.parse(formatSnapshot(snapshotOf('k', 1)));
  assert.throws(
    () => parseSnapshot(JSON.stringify({ ...record, key: 7 })),
    /snapshot record of the catalog: key is no text/,
  );
  assert.throws(() => parseSnapshot(JSON.stringify({ ...record, more: 7 })), /unknown field "more"/);
  assert.throws(() => parseSnapshot(JSON.stringify({ ...record, parent: undefined })), /lacks the field "parent"/);
});

test('parseHead and parseIdentity refuse another format and another kind', () => {
  const counts = { sequence: 1, snapshots: 0, devices: 0, sum: 0, lastDeviceId: 0, lastThinId: 0 };
  const head = { format: 2, catalogId: '0'.repeat(32), ...counts, restored: false };
  assert.equal(parseHead(JSON.stringify(head)), head);
  for (const format of [1, 3, '2', undefined]) {
    assert.throws(() => parseHead(JSON.stringify({ ...head, format })), isOtherFormat);
  }
  assert.equal(parseIdentity('{"kind":"blockfile"}'), { kind: 'blockfile' });
  assert.throws(() => parseIdentity('{"kind":"zvol"}'), isDamage);
});

test.run();
