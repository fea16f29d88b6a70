// Who else than root and ourselves may change a file, or put another in its place.

import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { whoElseMayChange, whoElseMayReplace } from '../../src/main/trust.ts';
import { withScratch } from '../support/scratch.ts';

const US = 1000;

test('whoElseMayChange() trusts what is root’s or our own and written by its owner alone', () => {
  for (const uid of [0, US]) {
    for (const mode of [0o100600, 0o100644, 0o40700, 0o40755]) assert.is(whoElseMayChange({ mode, uid }, US), null);
  }
});

for (const [what, stats, found] of [
  [
    'belongs to another user',
    { mode: 0o100600, uid: 33 },
    'it belongs to user 33, who may change it: chown it to root',
  ],
  [
    'is written by its group',
    { mode: 0o100664, uid: 0 },
    'its group may write to it (mode 664): take that away with chmod g-w',
  ],
  [
    'is written by anyone',
    { mode: 0o40777, uid: US },
    'anyone may write to it (mode 777): take that away with chmod o-w',
  ],
] as const) {
  test(`whoElseMayChange() tells why and what to do when a file ${what}`, () => {
    assert.is(whoElseMayChange(stats, US), found);
  });
}

test('whoElseMayReplace() names a directory above that anyone may write to, unless it is sticky', async () => {
  await withScratch(async (dir) => {
    const folder = join(dir, 'folder');
    const file = join(folder, 'below', 'file');
    await mkdir(join(folder, 'below'), { recursive: true });
    assert.is(await whoElseMayReplace(file), null);
    await chmod(folder, 0o777);
    const found = `anyone may write to ${folder} and put another in its place: take that away with chmod o-w`;
    assert.is(await whoElseMayReplace(file), found);
    await writeFile(file, '');
    assert.is(await whoElseMayReplace(file), found);
    const link = join(dir, 'link');
    await symlink(file, link);
    assert.is(await whoElseMayReplace(link), found);
    await chmod(folder, 0o1777);
    assert.is(await whoElseMayReplace(file), null);
  });
});

test.run();
