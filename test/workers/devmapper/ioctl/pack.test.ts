// The bytes of requests, against struct dm_ioctl as linux/dm-ioctl.h lays it out.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseSectors } from '../../../../src/shared/units.ts';
import {
  COMMAND,
  FLAG,
  HEADER_BYTES,
  IOCTL_BASE,
  packMessage,
  packRequest,
  packTable,
} from '../../../../src/workers/devmapper/ioctl/pack.ts';

const TABLE = {
  startSectors: parseSectors(0),
  lengthSectors: parseSectors(0x1_0000_0008),
  target: 'thin',
  parameters: '/dev/mapper/p 7',
};

test('packRequest() lays out the header when given name, uuid and flags', () => {
  const buffer = packRequest({ name: 'ab', uuid: 'u-1', flags: FLAG.suspend | FLAG.noFlush });
  assert.is(buffer.length, 312);
  assert.is(
    buffer.subarray(0, 48).toString('hex'),
    [
      '040000000000000000000000',
      '38010000',
      '38010000',
      '00000000',
      '00000000',
      '02080000',
      '00000000',
      '00000000',
      '0000000000000000',
    ].join(''),
  );
  assert.is(buffer.subarray(48, 52).toString('hex'), '61620000');
  assert.is(buffer.subarray(176, 181).toString('hex'), '752d310000');
});

test('packRequest() leaves room for the reply when a size is given', () => {
  const buffer = packRequest({ name: 'ab', uuid: '', flags: 0 }, 1024);
  assert.is(buffer.length, 1024);
  assert.is(buffer.readUInt32LE(12), 1024);
});

test('packTable() writes one target and pads its parameters to 8 bytes', () => {
  const buffer = packTable({ name: 'ab', uuid: '', flags: 0 }, TABLE);
  assert.is(buffer.readUInt32LE(20), 1);
  const spec = buffer.subarray(HEADER_BYTES);
  assert.is(spec.length, 40 + 16);
  assert.is(
    spec.toString('hex'),
    [
      '0000000000000000',
      '0800000001000000',
      '00000000',
      '38000000',
      '7468696e',
      '00'.repeat(12),
      Buffer.from('/dev/mapper/p 7\0').toString('hex'),
    ].join(''),
  );
});

test('packMessage() writes sector 0 and the text with its NUL', () => {
  const buffer = packMessage({ name: 'ab', uuid: '', flags: 0 }, 'delete 5');
  assert.is(
    buffer.subarray(HEADER_BYTES).toString('hex'),
    `0000000000000000${Buffer.from('delete 5\0').toString('hex')}`,
  );
  assert.is(buffer.readUInt32LE(12), buffer.length);
});

test('IOCTL_BASE gives the numbers that dmsetup sends', () => {
  assert.is(IOCTL_BASE + COMMAND.create, 0xc138fd03);
  assert.is(IOCTL_BASE + COMMAND.message, 0xc138fd0e);
});

for (const [what, name, uuid] of [
  ['a name of 128 bytes', 'n'.repeat(128), ''],
  ['a uuid of 129 bytes', 'n', 'u'.repeat(129)],
  ['a name with a NUL', 'a\0b', ''],
] as const) {
  test(`packRequest() refuses ${what}`, () => {
    assert.throws(() => packRequest({ name, uuid, flags: 0 }), /Cannot pass .* to device-mapper: the field holds/);
  });
}

test('packTable() refuses a target name that does not fit', () => {
  const table = { ...TABLE, target: 't'.repeat(16) };
  assert.throws(() => packTable({ name: 'a', uuid: '', flags: 0 }, table), /the field holds 15 bytes/);
});

test.run();
