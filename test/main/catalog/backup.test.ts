// Backups: what is read back is what there was, what is damaged is refused, and the newest are kept.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { backupText, readBackup, writeBackup } from '../../../src/main/catalog/backup-file.ts';
import { BACKUPS_KEPT, Backups, listBackups } from '../../../src/main/catalog/backups.ts';
import type { Catalog } from '../../../src/main/catalog/catalog.ts';
import { factsOf, withCatalog } from '../../support/damage/days.ts';
import { faultOf } from '../../support/faults.ts';
import { randomFrom } from '../../support/random.ts';
import { activeOf, deviceOf, pairOf } from '../../support/records.ts';
import { withScratch } from '../../support/scratch.ts';

const PAIRS = 300;
const DAMAGES = 60;

async function fill(catalog: Catalog): Promise<void> {
  await catalog.setIdentity({ kind: 'blockfile' });
  for (let id = 1; id <= PAIRS; id += 1) catalog.newDeviceId();
  await catalog.write(Array.from({ length: PAIRS }, (_, id) => pairOf(`key\n\0😀-${id}`, id + 1)).flat());
  await catalog.write([{ kind: 'put-snapshot', snapshot: activeOf('an odd "one"', 1) }]);
}

test('readBackup brings back what writeBackup wrote: every record, the identity and the head', async () => {
  await withScratch(async (root) => {
    await withCatalog(root, async (catalog) => {
      await fill(catalog);
      const path = join(root, 'a.backup');
      const captured = catalog.capture();
      // What is written meanwhile is not in it.
      await catalog.write([{ kind: 'put-device', device: deviceOf(PAIRS + 1) }]);
      await writeBackup(path, backupText(captured));
      const { head, identity, tables } = await readBackup(path);
      assert.equal(head, captured.head);
      assert.equal(identity, { kind: 'blockfile' });
      assert.is(tables.devices.size, PAIRS);
      await catalog.write([{ kind: 'delete-device', id: deviceOf(PAIRS + 1).id }]);
      assert.equal(factsOf(tables), factsOf(catalog.tables));
    });
  });
});

test('readBackup refuses a backup that is cut, or of which a bit is flipped, and what is none', async () => {
  await withScratch(async (root) => {
    const path = join(root, 'a.backup');
    await withCatalog(root, async (catalog) => {
      await fill(catalog);
      await writeBackup(path, backupText(catalog.capture()));
    });
    const whole = await readFile(path);
    const expected = factsOf((await readBackup(path)).tables).join('\n');
    const random = randomFrom(1);
    for (let count = 0; count < DAMAGES; count += 1) {
      const at = Math.floor(random() * whole.length);
      const flipped = Buffer.from(whole);
      flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << (count % 8)), at);
      await writeFile(path, count % 3 === 0 ? whole.subarray(0, at) : flipped);
      const outcome = await readBackup(path).then(
        ({ tables }) => factsOf(tables).join('\n'),
        (error: unknown) => String(error),
      );
      // Bits of gzip's header that say when and where it was made mean nothing.
      if (outcome !== expected) assert.match(outcome, /^FaultError: Cannot use the backup .*a\.backup: /, `byte ${at}`);
    }
    for (const text of ['', 'no gzip at all']) {
      await writeFile(path, text);
      assert.is((await faultOf(readBackup(path))).code, 'io');
    }
    assert.is((await faultOf(readBackup(join(root, 'none')))).code, 'io');
  });
});

test('Backups.write keeps the newest ones, makes none of what has one, and tells what goes wrong', async () => {
  await withScratch(async (root) => {
    const directory = join(root, 'backups');
    const errors: unknown[] = [];
    await withCatalog(root, async (catalog) => {
      const backups = new Backups({
        capture: () => catalog.capture(),
        directory,
        onError: (error) => errors.push(error),
      });
      for (let id = 1; id <= BACKUPS_KEPT + 2; id += 1) {
        await catalog.write(pairOf('a', id));
        await Promise.all([backups.write(), backups.write()]);
      }
      const names = await listBackups(directory);
      assert.is(names.length, BACKUPS_KEPT);
      const newest = await readBackup(join(directory, names.at(-1) ?? ''));
      assert.is(newest.head.sequence, catalog.capture().head.sequence);
      await catalog.write(pairOf('b', 1));
      await backups.close();
      assert.is((await listBackups(directory)).filter((name) => !names.includes(name)).length, 1);
    });
    assert.equal(errors, []);
    await withCatalog(root, async (catalog) => {
      const blocked = { capture: () => catalog.capture(), directory: join(root, 'catalog.json'), onError: errors.push };
      await new Backups({ ...blocked, onError: (error) => errors.push(error) }).close();
    });
    assert.is(errors.length, 1);
  });
});

test.run();
