// What a command line of `thinsnap pool create` means, and what is refused of it before anything is looked at.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseArguments, UsageError } from '../../../../src/main/cli/arguments.ts';
import { poolCreate } from '../../../../src/main/cli/commands/pool-create.ts';
import { type CreateWish, parseCreate } from '../../../../src/main/cli/pools/create-options.ts';
import { MIB } from '../../../../src/shared/units.ts';

function parse(line: string): CreateWish {
  return parseCreate(parseArguments(line.split(' '), poolCreate));
}

test('a loop pool has defaults for all but its directory', () => {
  const wish = parse('--loop /srv/pool/');
  assert.equal(wish.where, { kind: 'loop', dir: '/srv/pool', name: 'thinsnap' });
  assert.equal([wish.dataSize, wish.metadataSize, wish.minDataBytes, wish.waitSeconds], [null, null, 0, 0]);
  assert.equal(wish.autoextend, { thresholdPercent: 80, percent: 20 });
  assert.is(wish.blockSectors, 128);
});

test('an LVM pool is named by volume group and volume, on one disk or several, or in a group that is there', () => {
  assert.equal(parse('--device /dev/sdb').where, { kind: 'lvm', vg: 'thinsnap', lv: 'pool', paths: ['/dev/sdb'] });
  const wish = parse(
    '--device /dev/sdb,/dev/sdc --vg fast --name p --data-size 40%FREE --metadata-size 64MiB --wait 5 --force',
  );
  assert.equal(wish.where, { kind: 'lvm', vg: 'fast', lv: 'p', paths: ['/dev/sdb', '/dev/sdc'] });
  assert.equal(wish.dataSize, { kind: 'percent', percent: 40 });
  assert.equal(wish.metadataSize, { kind: 'bytes', bytes: 64 * MIB });
  assert.equal([wish.waitSeconds, wish.force], [5, true]);
  assert.equal(parse('--vg fast').where, { kind: 'lvm', vg: 'fast', lv: 'pool', paths: [] });
});

test('a raw pool takes two devices', () => {
  assert.equal(parse('--data-device /dev/sdb --metadata-device /dev/sdc --name r').where, {
    kind: 'raw',
    data: '/dev/sdb',
    metadata: '/dev/sdc',
    name: 'r',
  });
});

const REFUSED: readonly (readonly [string, RegExp])[] = [
  ['--force', /One of --loop/],
  ['--loop /a --device /dev/sdb', /One of --loop/],
  ['--data-device /dev/sdb', /go together/],
  ['--data-device /dev/sdb --metadata-device /dev/sdc --data-size 1GB', /--data-size cannot be used/],
  ['--loop relative', /must begin with "\/"/],
  ['--loop /a/../b', /holds "\.\."/],
  ['--device /dev/sd$b', /may hold letters/],
  ['--loop /a --name a/b', /holds "\/"/],
  ['--loop /a --name control', /names no pool/],
  ['--device /dev/sdb --vg=-x', /LVM's names/],
  ['--device /dev/sdb --name a/b', /LVM's names/],
  ['--loop /a --data-size many', /Cannot use --data-size/],
  ['--loop /a --data-size 0', /must be over 0/],
  ['--loop /a --metadata-size 200%', /at most 100%/],
  ['--loop /a --block-size 100KiB', /Cannot use blocks of 100KiB/],
  ['--loop /a --autoextend-threshold 20', /from 50 to 100/],
  ['--loop /a --autoextend-percent 0', /from 1 to 1000/],
  ['--loop /a --wait long', /from 0 to 3600/],
];
for (const [line, message] of REFUSED) {
  test(`parseCreate() refuses ${line}`, () => {
    assert.throws(
      () => parse(line),
      (error: unknown) => error instanceof UsageError && message.test(error.message),
    );
  });
}

test.run();
