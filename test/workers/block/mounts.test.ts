// Mount tables as the kernel writes them, and mounts that only another namespace sees.

import { execFile, spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MIB } from '../../../src/shared/units.ts';
import { toDeviceNumber } from '../../../src/workers/block/device.ts';
import { attachLoop, detachLoop, isClaimed } from '../../../src/workers/block/loop.ts';
import { mountpointsOf, openMountOf, parseMountinfo } from '../../../src/workers/block/mounts.ts';
import { asRootWith } from '../../support/requirements.ts';
import { makeSparseFile, withScratch } from '../../support/scratch.ts';

const run = promisify(execFile);

test('parseMountinfo() finds the mounts of one device alone, with names decoded', () => {
  const table = [
    '36 35 7:1 / /mnt/a rw,noatime master:1 - ext4 /dev/loop1 rw,errors=continue',
    '37 35 7:11 / /mnt/b rw - ext4 /dev/loop11 rw',
    '38 35 7:1 /sub /mnt/a\\040b\\011c\\134d\\012 ro - ext4 /dev/loop1 rw',
    '39 35 7:1 / /mnt/\u00c3\u00a9 rw shared:2 - ext4 /dev/loop1 rw',
    '',
  ].join('\n');
  assert.equal(parseMountinfo(table, '7:1'), ['/mnt/a', '/mnt/a b\tc\\d\n', '/mnt/é']);
  assert.equal(parseMountinfo(table, '7:2'), []);
});

test('toDeviceNumber() reads majors and minors beyond 8 bits', () => {
  assert.is(toDeviceNumber(0x0701n), '7:1');
  assert.is(toDeviceNumber(0x10fd2fn), '253:303');
  assert.is(toDeviceNumber(0x100000000000n | (0xabn << 8n)), '4267:0');
});

asRootWith(
  test,
  'mkfs.ext4',
  'mount',
  'unshare',
)('openMountOf() reaches a mount in another namespace', async () => {
  await withScratch(async (dir) => {
    const [image, root] = [join(dir, 'image'), join(dir, 'odd ~ name')];
    await makeSparseFile(image, 64 * MIB);
    await run('mkfs.ext4', ['-q', image]);
    await mkdir(root);
    const device = await attachLoop(image, { directIo: false });
    const script = 'mount "$0" "$1" && echo mounted && exec cat';
    const holder = spawn('unshare', ['-m', '--propagation', 'private', 'sh', '-c', script, device, root]);
    try {
      await new Promise((resolve) => holder.stdout.once('data', resolve));
      assert.is(await isClaimed(device), true);
      const found: string[] = [];
      for await (const mountpoint of mountpointsOf(device)) found.push(mountpoint);
      assert.equal(found, [`/proc/${holder.pid ?? 0}/root${root}`]);
      const handle = await openMountOf(device);
      assert.ok(handle !== null);
      await handle.close();
    } finally {
      const ended = new Promise((resolve) => holder.once('exit', resolve));
      holder.stdin.end();
      await ended;
      await detachLoop(device);
    }
    assert.is(await isClaimed(device), false);
  });
});

test.run();
