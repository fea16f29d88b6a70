// Bringing a catalog back, from a backup or from its own damaged files: what comes back is told and usable, what was there is
// kept, and nothing that came later is taken for anybody's or given out again.

import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { ClassicLevel } from 'classic-level';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { backupText, readBackup, writeBackup } from '../../../src/main/catalog/backup-file.ts';
import { Backups, backupDirectory } from '../../../src/main/catalog/backups.ts';
import { Catalog } from '../../../src/main/catalog/catalog.ts';
import { HEAD_KEY, type Operation, toPut } from '../../../src/main/catalog/operations.ts';
import { repairCatalog } from '../../../src/main/catalog/repair.ts';
import { restoreCatalog } from '../../../src/main/catalog/restore.ts';
import { damagesOf, FILE_KINDS, type FileKind } from '../../support/damage/damages.ts';
import { copyRoot, type Days, factsOf, makeDays, readRoot, withCatalog } from '../../support/damage/days.ts';
import { faultOf } from '../../support/faults.ts';
import { randomFrom } from '../../support/random.ts';
import { deviceOf, pairOf } from '../../support/records.ts';
import { withScratch } from '../../support/scratch.ts';

const STANDBY = { purpose: { kind: 'standby' }, state: 'Activated' } as const;

/** A root with a backup, and with what came after that. */
async function withOlderBackup(action: (root: string, backup: string) => Promise<void>): Promise<void> {
  await withScratch(async (dir) => {
    const [root, backup] = [join(dir, 'root'), join(dir, 'a.backup')];
    await withCatalog(root, async (catalog) => {
      await catalog.setIdentity({ kind: 'blockfile' });
      for (let id = 1; id <= 4; id += 1) catalog.newDeviceId();
      await catalog.write([...pairOf('old', 1), { kind: 'put-device', device: deviceOf(2, STANDBY) }]);
      await writeBackup(backup, backupText(catalog.capture()));
      await catalog.write(pairOf('new', 4));
    });
    await action(root, backup);
  });
}

/** As a backup has it. */
function lineOf(operation: Operation): string {
  return JSON.stringify(operation.type === 'put' ? [operation.key, operation.value] : [operation.key]);
}

test('restoreCatalog brings back the backup, marked as restored, without what stood ready in it', async () => {
  await withOlderBackup(async (root, backup) => {
    const before = await readRoot(join(root, 'catalog'));
    const restored = await restoreCatalog(root, backup);
    assert.equal([restored.snapshots, restored.devices, restored.batchesMissing], [1, 1, 1]);
    assert.match(restored.dropped.join(), /^device 2: /);
    assert.equal([...(await readRoot(restored.kept ?? '')).values()], [...before.values()]);
    await withCatalog(root, async (catalog) => {
      assert.equal([...catalog.tables.snapshots.keys()], ['old']);
      assert.equal(catalog.identity, { kind: 'blockfile' });
      assert.is(catalog.restored, true);
      // No number that the lost records may have had.
      assert.ok(catalog.newDeviceId() > 4);
      assert.ok(catalog.lastThinId > 4);
      await catalog.clearRestored();
    });
    await withCatalog(root, async (catalog) => assert.is(catalog.restored, false));
  });
});

test('restoreCatalog refuses a backup of another format, and changes neither it nor the catalog', async () => {
  await withOlderBackup(async (root, backup) => {
    const { head } = await readBackup(backup);
    const other = toPut(HEAD_KEY, JSON.stringify({ ...head, format: head.format + 1 })).value;
    const lines = gunzipSync(await readFile(backup))
      .toString()
      .trimEnd()
      .split('\n');
    const changed = lines.map((line) => (line.startsWith(`["${HEAD_KEY}"`) ? lineOf(other) : line));
    assert.is.not(changed.join(), lines.join());
    await writeFile(backup, gzipSync(`${changed.join('\n')}\n`));
    const before = await readRoot(dirname(root));
    const fault = await faultOf(restoreCatalog(root, backup));
    assert.is(fault.code, 'unsupported');
    assert.match(fault.message, /it is in format 3, and this version of thinsnap reads format 2\. Start the version/);
    assert.equal(await readRoot(dirname(root)), before);
  });
});

test('restoreCatalog leaves a catalog that the files of before cannot be taken for', async () => {
  await withOlderBackup(async (root, backup) => {
    const { kept } = await restoreCatalog(root, backup);
    await rm(join(root, 'catalog'), { recursive: true });
    await copyRoot(kept ?? '', join(root, 'catalog'));
    assert.match((await faultOf(Catalog.open(root))).message, /newest state is missing/);
  });
});

test('repairCatalog goes on where a crash left no catalog but a new one beside its place', async () => {
  await withOlderBackup(async (root, backup) => {
    const mark = await readFile(join(root, 'catalog.mark'));
    await restoreCatalog(root, backup);
    await rename(join(root, 'catalog'), join(root, 'catalog.new'));
    await writeFile(join(root, 'catalog.mark'), mark);
    assert.is((await faultOf(Catalog.open(root))).code, 'io');
    assert.is((await repairCatalog(root)).kind, 'whole');
    await withCatalog(root, async ({ tables, restored }) => {
      assert.equal([[...tables.snapshots.keys()], restored], [['old'], true]);
    });
  });
});

test('restoreCatalog brings a backup back where all else is lost', async () => {
  await withOlderBackup(async (root, backup) => {
    await rm(root, { recursive: true });
    await withCatalog(join(root, '..', 'other'), async () => undefined);
    assert.is((await faultOf(restoreCatalog(join(root, '..', 'other'), backup))).code, 'precondition');
    await mkdir(root);
    const { kept, batchesMissing } = await restoreCatalog(root, backup);
    assert.equal([kept, batchesMissing], [null, null]);
    await withCatalog(root, async ({ tables }) => assert.equal([...tables.snapshots.keys()], ['old']));
  });
});

test('repairCatalog leaves a whole catalog as it is, and makes anew what is lost beside it', async () => {
  await withScratch(async (root) => {
    await withCatalog(root, (catalog) => catalog.write(pairOf('a', 1)));
    for (const lost of [[], ['catalog.json'], ['catalog.mark'], ['catalog.json', 'catalog.mark']]) {
      for (const name of lost) await writeFile(join(root, name), 'damaged');
      const repaired = await repairCatalog(root);
      assert.is(repaired.kind, 'whole', String(lost));
      await withCatalog(root, async ({ tables, restored }) => {
        assert.equal([tables.snapshots.size, restored], [1, false]);
      });
    }
  });
});

test('repairCatalog takes from the newest backup what cannot have become another’s since', async () => {
  await withScratch(async (root) => {
    await withCatalog(root, async (catalog) => {
      await catalog.setIdentity({ kind: 'blockfile' });
      await catalog.write([...pairOf('a', 1), ...pairOf('b', 2)]);
      const directory = backupDirectory(root);
      await new Backups({
        capture: () => catalog.capture(),
        directory,
        onError: (error) => assert.unreachable(String(error)),
      }).close();
      await catalog.write(pairOf('c', 3));
    });
    const db = new ClassicLevel(join(root, 'catalog'));
    await db.batch([
      { type: 'put', key: 'd/1', value: 'damaged' },
      { type: 'del', key: 's/b' },
      { type: 'del', key: 'identity' },
    ]);
    await db.close();
    const repaired = await repairCatalog(root);
    assert.ok(repaired.kind === 'repaired');
    assert.equal(repaired.filled, ['the record of device 1', 'snapshot "b"']);
    assert.match(repaired.lost.join(), /^Cannot read the record "d\/1" of the catalog: its checksum is wrong$/);
    assert.equal(repaired.expected?.snapshots, 3);
    await withCatalog(root, async ({ tables, identity, restored }) => {
      assert.equal([...tables.snapshots.keys()].sort(), ['a', 'b', 'c']);
      assert.equal([tables.devices.size, identity, restored], [3, { kind: 'blockfile' }, true]);
    });
  });
});

test('repairCatalog says what an empty folder is, and changes nothing', async () => {
  await withScratch(async (root) => {
    await withCatalog(root, (catalog) => catalog.write(pairOf('a', 1)));
    for (const name of await readdir(join(root, 'catalog'))) await rm(join(root, 'catalog', name));
    const before = await readRoot(root);
    assert.match((await faultOf(repairCatalog(root))).message, /thinsnap catalog restore/);
    assert.equal(await readRoot(root), before);
  });
});

/** Damages, repairs, opens: what is there was acknowledged, and what is not was told of. */
async function repairDamaged(root: string, days: Days): Promise<void> {
  const acknowledged = new Set(days.acknowledged.stopped);
  const repaired = await repairCatalog(root);
  const facts = await withCatalog(root, async (catalog) => factsOf(catalog.tables));
  if (repaired.kind === 'whole') {
    assert.equal(facts, days.acknowledged.stopped);
    return;
  }
  const missing = days.acknowledged.stopped.length - facts.filter((fact) => acknowledged.has(fact)).length;
  const told = repaired.lost.length + (repaired.batchesMissing ?? 1);
  const { expected, devices, snapshots } = repaired;
  const counted = expected === null ? 1 : expected.devices + expected.snapshots - devices.length - snapshots;
  assert.ok(missing === 0 || told + counted > 0, `${missing} records are missing, and nothing was said`);
}

test('repairCatalog of any damage opens afterwards, and says when something did not come back', async () => {
  await withScratch(async (dir) => {
    const days = await makeDays(dir);
    const root = join(dir, 'damaged');
    let repaired = 0;
    // Not those of the lock: nothing of it is worth bringing back.
    const kinds = (Object.keys(FILE_KINDS) as FileKind[]).filter((kind) => FILE_KINDS[kind].folder !== 'lock');
    for (const kind of kinds) {
      for (const damage of damagesOf(kind, { flips: 1, cuts: 1 }, randomFrom(7))) {
        await rm(root, { recursive: true, force: true });
        await copyRoot(days.stopped, root);
        const done = await damage.apply(root, days);
        try {
          await repairDamaged(root, days);
          repaired += 1;
        } catch (error) {
          assert.match(String(error), /^FaultError: Cannot repair the catalog .*catalog restore/, done);
        }
      }
    }
    assert.ok(repaired > 15, `${repaired} were repaired`);
  });
});

test.run();
