// Tables that LevelDB wrote, and what one flipped bit anywhere in them does.

import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { examineTable } from '../../../src/main/catalog/level-table.ts';
import { withScratch } from '../../support/scratch.ts';

const test = suite('level-table');

const RECORDS = 4000;
const FOOTER_BYTES = 48;

function keyOf(index: number): string {
  return `snapshot/${String(index).padStart(8, '0')}`;
}

/** A database all of whose records are in tables. */
async function makeTables(location: string, textOf: (index: number) => string): Promise<readonly string[]> {
  const db = new ClassicLevel(location);
  await db.batch(
    Array.from({ length: RECORDS }, (_, index) => ({ type: 'put' as const, key: keyOf(index), value: textOf(index) })),
  );
  await db.compactRange(keyOf(0), keyOf(RECORDS));
  await db.close();
  return (await readdir(location)).filter((name) => name.endsWith('.ldb')).map((name) => join(location, name));
}

const short = (index: number): string => `${index}`;
const long = (index: number): string => `${index} `.repeat(200);

for (const [kind, textOf] of [
  ['short', short],
  ['long', long],
] as const) {
  test(`examineTable() finds a table of ${kind} records whole`, async () => {
    await withScratch(async (scratch) => {
      const paths = await makeTables(scratch, textOf);
      assert.ok(paths.length > 0);
      for (const path of paths) assert.equal(examineTable(await readFile(path)), { kind: 'whole' });
    });
  });

  test(`examineTable() sees any bit that flips in a table of ${kind} records, and mends what can be`, async () => {
    await withScratch(async (scratch) => {
      const [path = ''] = await makeTables(scratch, textOf);
      const file = await readFile(path);
      const read = file.length - FOOTER_BYTES;
      fc.assert(
        fc.property(fc.nat(read - 1), fc.nat(7), (at, bit) => {
          const damaged = Buffer.from(file);
          damaged[at] = (damaged[at] ?? 0) ^ (1 << bit);
          const state = examineTable(damaged);
          assert.is.not(state.kind, 'whole');
          if (state.kind !== 'damaged') return;
          assert.ok(state.lost <= 1);
          assert.equal(examineTable(state.mended), { kind: 'whole' });
        }),
        { numRuns: 60 },
      );
    });
  });
}

test('LevelDB reads all of a mended table but the block that was damaged', async () => {
  await withScratch(async (scratch) => {
    const [path = ''] = await makeTables(scratch, long);
    const file = await readFile(path);
    file.writeUInt8(file.readUInt8(1000) ^ 1, 1000);
    const state = examineTable(file);
    if (state.kind !== 'damaged') throw new Error(state.kind);
    await writeFile(path, state.mended);
    await ClassicLevel.repair(scratch);
    const db = new ClassicLevel(scratch);
    const keys = await db.keys().all();
    assert.equal(await db.get(keyOf(RECORDS - 1)), long(RECORDS - 1));
    await db.close();
    assert.is(state.lost, 1);
    assert.ok(keys.length < RECORDS && keys.length > RECORDS - 100, `${keys.length} keys`);
  });
});

test('examineTable() reads nothing from what is no table', () => {
  for (const length of [0, 1, FOOTER_BYTES - 1, FOOTER_BYTES, 1000]) {
    assert.equal(examineTable(Buffer.alloc(length)), { kind: 'unreadable' });
  }
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.uint8Array({ minLength: 40, maxLength: 40 }),
      (blocks, handles) => {
        const magic = Buffer.from('57fb808b247547db', 'hex');
        assert.is.not(examineTable(Buffer.concat([blocks, handles, magic])).kind, 'damaged');
      },
    ),
  );
});

test.run();
