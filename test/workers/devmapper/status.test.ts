// Status lines of kernel 6.1 as seen, every word that they may have, and what is none.

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseSectors, parseThinId } from '../../../src/shared/units.ts';
import {
  parsePoolStatus,
  parsePoolTable,
  parseThinStatus,
  poolTable,
  thinTable,
} from '../../../src/workers/devmapper/status.ts';

test('parsePoolStatus() reads a sound pool as the kernel prints it', () => {
  const line = '3 112/1024 7/16384 - rw discard_passdown error_if_no_space - 256 ';
  assert.equal(parsePoolStatus(line), {
    mode: 'rw',
    needsCheck: false,
    whenFull: 'error',
    transactionId: 3,
    usedMetadataBlocks: 112,
    totalMetadataBlocks: 1024,
    usedDataBlocks: 7,
    totalDataBlocks: 16384,
  });
});

test('parsePoolStatus() reads needs_check, a held root and no low-water mark', () => {
  const status = parsePoolStatus('0 1/2 3/4 99 ro no_discard_passdown queue_if_no_space needs_check ');
  assert.is(status.mode, 'ro');
  assert.ok(status.needsCheck);
  assert.is(status.whenFull, 'queue');
});

for (const word of ['Fail', 'Error']) {
  test(`parsePoolStatus() answers a failed pool when the line is ${word}`, () => {
    assert.is(parsePoolStatus(word).mode, 'fail');
  });
}

for (const line of [
  '',
  'Failed',
  '0 1/2 3/4 - rw discard_passdown error_if_no_space',
  '0 1/2 3/4 - wr discard_passdown error_if_no_space - 1',
  '0 1/2 3/4 - rw discard error_if_no_space - 1',
  '0 1/2 3/4 - rw discard_passdown panic_if_no_space - 1',
  '0 1/2 3/4 - rw discard_passdown error_if_no_space check 1',
  '0 -1/2 3/4 - rw discard_passdown error_if_no_space - 1',
  '99999999999999999999 1/2 3/4 - rw discard_passdown error_if_no_space - 1',
]) {
  test(`parsePoolStatus() refuses ${JSON.stringify(line)}`, () => {
    assert.throws(() => parsePoolStatus(line), /Cannot read/);
  });
}

test('parsePoolStatus() reads back whatever the kernel may print', () => {
  const count = fc.nat();
  const mode = fc.constantFrom('rw', 'ro', 'out_of_data_space');
  const discard = fc.constantFrom('ignore_discard', 'no_discard_passdown', 'discard_passdown');
  const full = fc.constantFrom('error_if_no_space', 'queue_if_no_space');
  const check = fc.constantFrom('needs_check', '-');
  const words = fc.tuple(mode, discard, full, check);
  fc.assert(
    fc.property(fc.tuple(count, count, count), words, ([tid, meta, data], line) => {
      const status = parsePoolStatus(`${tid} ${meta}/${meta} ${data}/${data} - ${line.join(' ')} 0 `);
      assert.equal([status.transactionId, status.usedMetadataBlocks, status.totalDataBlocks], [tid, meta, data]);
      assert.equal([status.mode, status.needsCheck], [line[0], line[3] === 'needs_check']);
    }),
  );
});

test('parseThinStatus() reads what is mapped', () => {
  assert.equal(parseThinStatus('0 -'), { state: 'mapped', mappedSectors: 0 });
  assert.equal(parseThinStatus('256 1047'), { state: 'mapped', mappedSectors: 256 });
});

for (const word of ['Fail', 'Error', '-']) {
  test(`parseThinStatus() answers a failed device when the line is ${word}`, () => {
    assert.equal(parseThinStatus(word), { state: 'failed', word });
  });
}

for (const line of ['', '256', '256 x', '256 1 2', 'fail']) {
  test(`parseThinStatus() refuses ${JSON.stringify(line)}`, () => {
    assert.throws(() => parseThinStatus(line), /Cannot read the status of a thin device/);
  });
}

test('parsePoolTable() reads devices and block size', () => {
  assert.equal(parsePoolTable('253:0 8:16 128 100 1 error_if_no_space '), {
    metadataNumber: '253:0',
    dataNumber: '8:16',
    blockSectors: 128,
  });
});

test('parsePoolTable() refuses a path', () => {
  assert.throws(() => parsePoolTable('/dev/sda 8:16 128 100 0'), /Cannot read the table of a thin-pool/);
});

test('thinTable() names the pool and the thin id', () => {
  const table = thinTable({ poolPath: '/dev/mapper/p', thinId: parseThinId(7), sizeSectors: parseSectors(64) });
  assert.equal(table, { startSectors: 0, lengthSectors: 64, target: 'thin', parameters: '/dev/mapper/p 7' });
});

test('poolTable() counts its features', () => {
  const table = poolTable({
    metadataPath: '/dev/a',
    dataPath: '/dev/b',
    sizeSectors: parseSectors(1280),
    blockSectors: parseSectors(128),
    lowWaterBlocks: 2,
    features: ['error_if_no_space', 'ignore_discard'],
  });
  assert.is(table.parameters, '/dev/a /dev/b 128 2 2 error_if_no_space ignore_discard');
});

test.run();
