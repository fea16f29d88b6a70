// Loop devices are found by their file, made once, and take a file that grew.

import { rename, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MIB } from '../../../src/shared/units.ts';
import { storageBytes } from '../../../src/workers/block/device.ts';
import { attachLoop, detachLoop, findLoops, inodeKey, isClaimed, listLoops } from '../../../src/workers/block/loop.ts';
import { faultOf } from '../../support/faults.ts';
import { asRootWith } from '../../support/requirements.ts';
import { makeSparseFile, withFakeTools, withScratch } from '../../support/scratch.ts';

for (const directIo of [false, true]) {
  asRootWith(test, 'losetup')(`attachLoop() with directIo ${directIo} gives one device a file`, async () => {
    await withScratch(async (dir) => {
      const file = join(dir, 'file');
      await makeSparseFile(file, 8 * MIB);
      assert.equal(await findLoops(file), []);
      const device = await attachLoop(file, { directIo });
      try {
        assert.equal(await findLoops(file), [device]);
        await truncate(file, 16 * MIB);
        assert.is(await attachLoop(file, { directIo }), device);
        assert.equal((await listLoops()).get(inodeKey(await stat(file, { bigint: true }))), [device]);
        assert.is(await storageBytes(device), 16 * MIB);
        assert.is(await isClaimed(device), false);
        await rename(file, join(dir, 'renamed'));
        assert.equal(await findLoops(join(dir, 'renamed')), [device]);
      } finally {
        await detachLoop(device);
      }
      await detachLoop(device);
      assert.equal(await findLoops(join(dir, 'renamed')), []);
    });
  });
}

test('findLoops() finds none for a file that is not there', async () => {
  assert.equal(await findLoops('/nonexistent'), []);
});

test('findLoops() refuses an answer that is no list of loop devices', async () => {
  await withFakeTools({ losetup: 'echo /dev/sda' }, async () => {
    assert.match((await faultOf(findLoops('/file'))).message, /Cannot read what losetup answered: "\/dev\/sda"/);
  });
});

test('listLoops() reads every line that losetup writes, with padding and without', async () => {
  const lines = '/dev/loop0 \\\\x20\\\\x20254:0\\\\x20 77\\n/dev/loop1 254:0 77\\n/dev/loop2 8:1 77\\n';
  await withFakeTools({ losetup: `printf '${lines}'` }, async () => {
    assert.equal(
      [...(await listLoops())],
      [
        ['254:0 77', ['/dev/loop0', '/dev/loop1']],
        ['8:1 77', ['/dev/loop2']],
      ],
    );
  });
  await withFakeTools({ losetup: 'echo /dev/sda' }, async () => {
    assert.match((await faultOf(listLoops())).message, /Cannot read what losetup answered: "\/dev\/sda"/);
  });
});

test.run();
