// Replies as the kernel lays them out, and replies that no kernel sends.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HEADER_BYTES, packRequest } from '../../../../src/workers/devmapper/ioctl/pack.ts';
import {
  isBufferFull,
  unpackInfo,
  unpackNames,
  unpackNumber,
  unpackTargets,
  unpackVersion,
} from '../../../../src/workers/devmapper/ioctl/unpack.ts';

function reply(sizeBytes: number): Buffer {
  return packRequest({ name: 'tt-1', uuid: 'thinsnap-x', flags: 0 }, HEADER_BYTES + sizeBytes);
}

/** Two entries as LIST_DEVICES of driver 4.47 answers them: event number and flags follow each name. */
function listReply(): Buffer {
  const buffer = reply(56);
  const list = buffer.subarray(HEADER_BYTES);
  Buffer.from('03fd000000000000' + '20000000' + '74742d3100' + '00000000000000' + '0000000002000000', 'hex').copy(
    list,
    0,
  );
  Buffer.from('00fd000000000000' + '00000000' + '6100', 'hex').copy(list, 32);
  return buffer;
}

function statusReply(): Buffer {
  const buffer = reply(112);
  buffer.writeUInt32LE(2, 20);
  const body = buffer.subarray(HEADER_BYTES);
  body.writeBigUInt64LE(8n, 8);
  body.writeUInt32LE(48, 20);
  body.write('thin', 24);
  body.write('0 -', 40);
  body.writeBigUInt64LE(8n, 48);
  body.writeBigUInt64LE(16n, 56);
  body.writeUInt32LE(104, 68);
  body.write('linear', 72);
  return buffer;
}

test('unpackVersion() reads the three numbers of the header', () => {
  const buffer = reply(0);
  buffer.writeUInt32LE(47, 4);
  assert.is(unpackVersion(buffer), '4.47.0');
});

test('unpackInfo() reads state and open count when the device is suspended, read-only and live', () => {
  const buffer = reply(0);
  buffer.writeUInt32LE(0b100011, 28);
  buffer.writeInt32LE(3, 24);
  buffer.writeUInt32LE(0xfd03, 40);
  assert.equal(unpackInfo(buffer), {
    name: 'tt-1',
    uuid: 'thinsnap-x',
    number: { major: 253, minor: 3 },
    openCount: 3,
    suspended: true,
    readOnly: true,
    live: true,
  });
});

test('unpackNumber() joins the two halves of a minor above 255', () => {
  const buffer = reply(0);
  // huge_encode_dev(MKDEV(253, 0x12345)).
  buffer.writeUInt32LE(0x1230_0000 + (253 << 8) + 0x45, 40);
  assert.equal(unpackNumber(buffer), { major: 253, minor: 0x12345 });
});

test('unpackNames() reads every name of a list', () => {
  assert.equal(unpackNames(listReply()), ['tt-1', 'a']);
});

test('unpackNames() answers none when there is no device', () => {
  assert.equal(unpackNames(reply(16)), []);
});

test('unpackNames() refuses an entry that points behind the end', () => {
  const buffer = listReply();
  buffer.writeUInt32LE(4096, HEADER_BYTES + 8);
  assert.throws(() => unpackNames(buffer), /a name beyond the end of the list/);
});

test('unpackNames() refuses an entry that points to itself', () => {
  const buffer = listReply();
  buffer.writeUInt32LE(4, HEADER_BYTES + 8);
  assert.throws(() => unpackNames(buffer), /a name beyond the end of the list/);
});

test('unpackTargets() follows offsets from the first target', () => {
  assert.equal(unpackTargets(statusReply()), [
    { startSectors: 0, lengthSectors: 8, target: 'thin', parameters: '0 -' },
    { startSectors: 8, lengthSectors: 16, target: 'linear', parameters: '' },
  ]);
});

test('unpackTargets() refuses more targets than the reply has room for', () => {
  const buffer = statusReply();
  buffer.writeUInt32LE(3, 20);
  assert.throws(() => unpackTargets(buffer), /a target beyond its end/);
});

test('isBufferFull() answers the flag', () => {
  const buffer = reply(0);
  assert.not(isBufferFull(buffer));
  buffer.writeUInt32LE(1 << 8, 28);
  assert.ok(isBufferFull(buffer));
});

test.run();
