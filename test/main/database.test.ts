// Making an empty database: whole or not at all, by however many at once. That it outlives a power loss at any moment is test/vm's.

import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Catalog } from '../../src/main/catalog/catalog.ts';
import { makeDatabase, sweepHalfMade } from '../../src/main/database.ts';
import { takeLock } from '../../src/main/lock.ts';
import { withScratch } from '../support/scratch.ts';

async function opens(directory: string): Promise<void> {
  const db = new ClassicLevel(directory, { createIfMissing: false });
  await db.open();
  await db.close();
}

test('makeDatabase() makes one that opens, and leaves nothing beside it', async () => {
  await withScratch(async (dir) => {
    await makeDatabase(join(dir, 'db'));
    await opens(join(dir, 'db'));
    assert.equal(await readdir(dir), ['db']);
  });
});

test('makeDatabase() leaves the one that is there as it is', async () => {
  await withScratch(async (dir) => {
    const db = new ClassicLevel(join(dir, 'db'));
    await db.put('key', 'value');
    await makeDatabase(join(dir, 'db'));
    assert.is(await db.get('key'), 'value');
    await db.close();
  });
});

test('makeDatabase() takes the place of an empty folder', async () => {
  await withScratch(async (dir) => {
    await mkdir(join(dir, 'db'));
    await makeDatabase(join(dir, 'db'));
    await opens(join(dir, 'db'));
  });
});

test('makeDatabase() makes one, however many are at it, and sweep what is half made', async () => {
  await withScratch(async (dir) => {
    const at = join(dir, 'db');
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        await makeDatabase(at);
        await sweepHalfMade(at);
      }),
    );
    await opens(at);
    assert.equal(await readdir(dir), ['db']);
  });
});

test('makeDatabase() leaves a folder alone that holds something else', async () => {
  await withScratch(async (dir) => {
    await mkdir(join(dir, 'db'));
    await writeFile(join(dir, 'db', 'file'), 'text');
    await makeDatabase(join(dir, 'db'));
    assert.equal([await readdir(dir), await readdir(join(dir, 'db'))], [['db'], ['file']]);
  });
});

test('the lock and the catalog are made beside their places, and not by their first opening', async () => {
  await withScratch(async (dir) => {
    await (await Catalog.open(dir)).close();
    // LevelDB itself makes folders that everybody may read.
    for (const name of ['lock', 'catalog']) assert.is((await stat(join(dir, name))).mode & 0o777, 0o700, name);
  });
});

test('takeLock() removes what one that died had begun to make', async () => {
  await withScratch(async (dir) => {
    await mkdir(join(dir, 'lock.new-abcdef'));
    await writeFile(join(dir, 'lock.new-abcdef', 'CURRENT'), 'half');
    const lock = await takeLock(join(dir, 'lock'), 'this root');
    assert.equal(await readdir(dir), ['lock']);
    await lock.release();
  });
});

test.run();
