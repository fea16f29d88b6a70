// What block files take, and what of that is theirs alone: as filefrag prints it, and as a real file system has it.

import { execFile } from 'node:child_process';
import { symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MIB } from '../../../src/shared/units.ts';
import { parseThinRows } from '../../../src/workers/pools/list-thins.ts';
import { fileFootprints, parseShared } from '../../../src/workers/tasks/file-footprints.ts';
import { faultOf } from '../../support/faults.ts';
import { withMounted } from '../../support/mounts.ts';
import { asRootWith } from '../../support/requirements.ts';
import { withScratch } from '../../support/scratch.ts';

const run = promisify(execFile);
const XFS_BYTES = 320 * MIB;

const OUTPUT = `Filesystem type is: 58465342
File size of /a b/1.img is 2097152 (512 blocks of 4096 bytes)
 ext:     logical_offset:        physical_offset: length:   expected: flags:
   0:        0..     255:         24..       279:    256:             shared
   1:      256..     511:       1024..      1279:    256:        280: last,eof
/a b/1.img: 2 extents found
File size of /2.img is 10 (1 block of 4096 bytes)
 ext:     logical_offset:        physical_offset: length:   expected: flags:
   0:        0..       0:         99..        99:      1:             last,unwritten,shared,eof
/2.img: 1 extent found
File size of /3.img is 0 (0 blocks of 4096 bytes)
/3.img: 0 extents found
`;

test('parseShared() adds up what filefrag says is shared, file by file', () => {
  assert.equal(
    [...parseShared(OUTPUT)],
    [
      ['/a b/1.img', MIB],
      ['/2.img', 4096],
      ['/3.img', 0],
    ],
  );
});

test('parseThinRows() reads numbers in columns, and refuses anything else', () => {
  assert.equal(parseThinRows('   1   65536  0\n 16777215 131072 65536\n\n', 3), [
    [1, 65536, 0],
    [16777215, 131072, 65536],
  ]);
  for (const line of ['1 2', '1 2 3 4', '1 2 x', '1 2 -3', '1 2 99999999999999999999']) {
    assert.throws(() => parseThinRows(line, 3), /Cannot read what thin_ls answers/);
  }
});

test('fileFootprints() answers nothing for a file that is gone, and an empty list for none', async () => {
  await withScratch(async (dir) => {
    const path = join(dir, '1.img');
    await writeFile(path, Buffer.alloc(MIB, 1));
    const { footprints } = await fileFootprints({ paths: [path, join(dir, '2.img')] });
    assert.is(footprints[1], null);
    assert.ok((footprints[0]?.allocatedBytes ?? 0) >= MIB);
    assert.equal(await fileFootprints({ paths: [] }), { footprints: [], omitted: '' });
  });
});

test('fileFootprints() names the file that it cannot look at', async () => {
  await withScratch(async (dir) => {
    const [path, loop] = [join(dir, '1.img'), join(dir, '2.img')] as const;
    await writeFile(path, '');
    await symlink('2.img', loop);
    assert.is((await faultOf(fileFootprints({ paths: [path, loop] }))).message, `Cannot look at ${loop}: ELOOP`);
  });
});

asRootWith(
  test,
  'mkfs.xfs',
  'filefrag',
)('fileFootprints() tells what reflinks share: all of a fresh copy, and less after a write to it', async () => {
  await withScratch(async (dir) => {
    const image = join(dir, 'xfs');
    await writeFile(image, '');
    await truncate(image, XFS_BYTES);
    await run('mkfs.xfs', ['-q', '-m', 'reflink=1', image]);
    await withMounted(image, { fsType: 'xfs' }, async (root) => {
      const [one, two, alone] = [join(root, '1.img'), join(root, '2.img'), join(root, '3.img')] as const;
      await writeFile(one, Buffer.alloc(4 * MIB, 1));
      await writeFile(alone, Buffer.alloc(MIB, 3));
      await run('cp', ['--reflink=always', one, two]);
      await run('dd', ['if=/dev/zero', `of=${two}`, 'bs=1M', 'count=1', 'conv=notrunc,fsync', 'status=none']);
      await run('sync', ['-f', root]);
      const { footprints, omitted } = await fileFootprints({ paths: [one, two, alone] });
      assert.is(omitted, '');
      const exclusive = footprints.map((each) => each?.exclusiveBytes);
      assert.equal(exclusive, [MIB, MIB, MIB]);
    });
  });
});

test.run();
