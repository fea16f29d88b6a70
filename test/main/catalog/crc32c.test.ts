// The checksum of LevelDB's files, against values from elsewhere.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { crc32c } from '../../../src/main/catalog/crc32c.ts';

test('crc32c() gives the values of RFC 3720, appendix B.4', () => {
  assert.is(crc32c(Buffer.from('123456789')), 0xe3069283);
  assert.is(crc32c(Buffer.alloc(32)), 0x8a9136aa);
  assert.is(crc32c(Buffer.alloc(32, 0xff)), 0x62a8ab43);
  assert.is(crc32c(Buffer.alloc(0)), 0);
});

test.run();
