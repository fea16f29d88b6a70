// The catalog on a real LevelDB: what was acknowledged is there afterwards, and what is missing is noticed.

import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Catalog } from '../../../src/main/catalog/catalog.ts';
import { seal } from '../../../src/main/catalog/checksum.ts';
import { formatSnapshot } from '../../../src/main/catalog/codec.ts';
import type { Change } from '../../../src/main/catalog/tables.ts';
import { parseDeviceId, parseThinId, THIN_ID_MAX } from '../../../src/shared/units.ts';
import { readRoot } from '../../support/damage/days.ts';
import { faultOf } from '../../support/faults.ts';
import { withNodeChild } from '../../support/node-child.ts';
import { deviceOf, pairOf, snapshotOf } from '../../support/records.ts';
import { withScratch } from '../../support/scratch.ts';

const CATALOG_MODULE = new URL('../../../src/main/catalog/catalog.js', import.meta.url).href;
const RECORDS_MODULE = new URL('../../support/records.js', import.meta.url).href;

async function withCatalog<T>(root: string, action: (catalog: Catalog) => Promise<T>): Promise<T> {
  const catalog = await Catalog.open(root);
  try {
    return await action(catalog);
  } finally {
    await catalog.close();
  }
}

/** Changes the database behind the catalog's back. */
async function tamper(root: string, action: (db: ClassicLevel) => Promise<void>): Promise<void> {
  const db = new ClassicLevel(join(root, 'catalog'));
  await db.open();
  try {
    await action(db);
  } finally {
    await db.close();
  }
}

test('Catalog.open brings back every record, the identity, the id and the last device id', async () => {
  await withScratch(async (root) => {
    const labels = new Map([['__proto__', 'x']]);
    const keys = ['a', 'a\0b', '😀', '__proto__', 'head', 'd/1'];
    const [id, spent] = await withCatalog(root, async (catalog) => {
      await catalog.setIdentity({ kind: 'blockfile' });
      for (const key of keys) {
        const device = catalog.newDeviceId();
        await catalog.write([
          { kind: 'put-device', device: deviceOf(device) },
          { kind: 'put-snapshot', snapshot: snapshotOf(key, device, { labels }) },
        ]);
      }
      await catalog.write([{ kind: 'delete-snapshot', key: 'a' }]);
      return [catalog.id, keys.length];
    });
    await withCatalog(root, async (catalog) => {
      assert.is(catalog.id, id);
      assert.equal(catalog.identity, { kind: 'blockfile' });
      assert.equal([...catalog.tables.snapshots.keys()].sort(), keys.slice(1).sort());
      assert.equal(catalog.tables.snapshot('😀'), snapshotOf('😀', 3, { labels }));
      assert.is(catalog.tables.devices.size, keys.length);
      assert.is(catalog.newDeviceId(), parseDeviceId(spent + 1));
    });
  });
});

test('clearRestored() takes its turn among the writes of others', async () => {
  await withScratch(async (root) => {
    await withCatalog(root, async (catalog) => {
      const device = catalog.newDeviceId();
      await Promise.all([
        catalog.write([{ kind: 'put-device', device: deviceOf(device) }]),
        catalog.clearRestored(),
        catalog.write([{ kind: 'put-snapshot', snapshot: snapshotOf('key', device) }]),
      ]);
    });
    await withCatalog(root, async (catalog) => assert.is(catalog.tables.snapshots.size, 1));
  });
});

test('Catalog.write shows its changes once they are durable and not before', async () => {
  await withScratch((root) =>
    withCatalog(root, async (catalog) => {
      const written = catalog.write(pairOf('a', 1));
      assert.is(catalog.tables.snapshots.size, 0);
      await written;
      assert.is(catalog.tables.snapshots.size, 1);
    }),
  );
});

test('Catalog.write acknowledges writes in the order they came, and the last one on a key counts', async () => {
  await withScratch(async (root) => {
    const order: number[] = [];
    const turns = Array.from({ length: 50 }, (_, turn) => turn);
    await withCatalog(root, async (catalog) => {
      const writes = turns.map(async (turn) => {
        const labels = new Map([['turn', String(turn)]]);
        const device = deviceOf(1);
        const snapshot = snapshotOf('a', 1, { labels });
        await catalog.write([
          { kind: 'put-device', device },
          ...(turn % 2 === 0 ? [{ kind: 'delete-snapshot', key: 'a' } as const] : []),
          { kind: 'put-snapshot', snapshot },
        ]);
        order.push(turn);
      });
      await Promise.all(writes);
    });
    assert.equal(order, turns);
    await withCatalog(root, async ({ tables }) => {
      assert.is(tables.snapshots.size, 1);
      assert.is(tables.snapshot('a').labels.get('turn'), '49');
    });
  });
});

test('Catalog.write lets nothing of a write through when it cannot be stored, and refuses all that come after', async () => {
  await withScratch(async (root) => {
    const catalog = await Catalog.open(root);
    await catalog.write(pairOf('a', 1));
    // A number that JSON.stringify cannot write stands for whatever makes a batch fail.
    const broken = Object.defineProperty(snapshotOf('b', 2), 'usageBytes', { enumerable: true, value: 1n });
    const failing = catalog.write([
      { kind: 'put-device', device: deviceOf(2) },
      { kind: 'put-snapshot', snapshot: broken },
    ]);
    const waiting = catalog.write(pairOf('c', 3));
    assert.equal([(await faultOf(failing)).code, (await faultOf(waiting)).code], ['unavailable', 'unavailable']);
    assert.is((await faultOf(catalog.write(pairOf('d', 4)))).code, 'unavailable');
    await catalog.close();
    await withCatalog(root, async ({ tables }) => {
      assert.equal([...tables.snapshots.keys()], ['a']);
      assert.is(tables.devices.size, 1);
    });
  });
});

test('Catalog.open refuses a database that lacks a record, has one too many, or names a device that is not there', async () => {
  const damages: ((db: ClassicLevel) => Promise<void>)[] = [
    (db) => db.del('s/a'),
    (db) => db.del('d/1'),
    (db) => db.put('s/z', formatSnapshot(snapshotOf('z', 1))),
    (db) => db.put('s/b', formatSnapshot(snapshotOf('b', 3))),
    (db) =>
      db.batch([
        { type: 'del', key: 's/a' },
        { type: 'put', key: 's/z', value: formatSnapshot(snapshotOf('a', 1)) },
      ]),
    (db) => db.put('s/a', '{}'),
    (db) => db.put('d/1', 'no JSON'),
    (db) => db.del('head'),
    (db) => db.batch([{ type: 'put', key: 's/a', value: '' }]),
  ];
  for (const damage of damages) {
    await withScratch(async (root) => {
      await withCatalog(root, async (catalog) => {
        await catalog.write(pairOf('a', 1));
        await catalog.write(pairOf('b', 2));
      });
      await tamper(root, damage);
      assert.is((await faultOf(Catalog.open(root))).code, 'io', String(damage));
    });
  }
});

/** Puts back what stood under the keys when `before` was read: a piece of the log that LevelDB passed over. */
async function undo(root: string, keys: readonly string[], action: (catalog: Catalog) => Promise<void>): Promise<void> {
  const before = new Map<string, string>();
  await tamper(root, async (db) => {
    for (const key of keys) {
      const value = await db.get(key);
      if (value !== undefined) before.set(key, value);
    }
  });
  await withCatalog(root, action);
  await tamper(root, async (db) => {
    for (const key of keys) {
      const value = before.get(key);
      if (value === undefined) await db.del(key);
      else await db.put(key, value);
    }
  });
}

const LOSSES: readonly (readonly [string, readonly string[], (catalog: Catalog) => Promise<void>])[] = [
  [
    'a label',
    ['s/a'],
    (catalog) =>
      catalog.write([{ kind: 'put-snapshot', snapshot: snapshotOf('a', 1, { labels: new Map([['k', 'v']]) }) }]),
  ],
  [
    'a state',
    ['d/1'],
    (catalog) => catalog.write([{ kind: 'put-device', device: deviceOf(1, { state: 'Removing' }) }]),
  ],
  [
    'the same change of two states',
    ['d/1', 'd/2'],
    (catalog) =>
      catalog.write([1, 2].map((id) => ({ kind: 'put-device', device: deviceOf(id, { state: 'Removing' }) }))),
  ],
  [
    'one snapshot added and one removed',
    ['s/a', 's/z'],
    (catalog) =>
      catalog.write([
        { kind: 'delete-snapshot', key: 'a' },
        { kind: 'put-snapshot', snapshot: snapshotOf('z', 1) },
      ]),
  ],
  ['the volumes', ['identity'], (catalog) => catalog.setIdentity({ kind: 'blockfile' })],
  ['all that was written last', ['s/c', 'd/3', 'head'], (catalog) => catalog.write(pairOf('c', 3))],
];
for (const [what, keys, action] of LOSSES) {
  test(`Catalog.open refuses a database that lost ${what}`, async () => {
    await withScratch(async (root) => {
      await withCatalog(root, async (catalog) => {
        await catalog.write(pairOf('a', 1));
        await catalog.write(pairOf('b', 2));
      });
      await undo(root, keys, action);
      const fault = await faultOf(Catalog.open(root));
      assert.is(fault.code, 'io');
      assert.match(fault.message, /Run "thinsnap catalog repair"/);
    });
  });
}

test('Catalog.open refuses a catalog of another format, whichever file says so, and changes nothing', async () => {
  const others: ((root: string) => Promise<void>)[] = [
    (root) => writeFile(join(root, 'catalog.json'), `{"catalogId":"${'0'.repeat(32)}","format":3}`),
    (root) => writeFile(join(root, 'catalog.json'), `{"catalogId":"${'0'.repeat(32)}"}`),
    (root) => tamper(root, (db) => db.put('head', '{"format":1,"sequence":1}')),
    (root) => tamper(root, (db) => db.put('head', seal('head', '{"format":3,"sequence":1}').value)),
  ];
  for (const makeOther of others) {
    await withScratch(async (root) => {
      await withCatalog(root, (catalog) => catalog.write(pairOf('a', 1)));
      await makeOther(root);
      const before = await readRoot(root);
      const fault = await faultOf(Catalog.open(root));
      assert.is(fault.code, 'unsupported', String(makeOther));
      assert.match(fault.message, /format [13].*reads format 2. Start the version that wrote it/);
      assert.equal(await readRoot(root), before);
    });
  }
});

test('Catalog.lastThinId follows the newest device, also after it is gone and past the end', async () => {
  await withScratch(async (root) => {
    const pool = (id: number, thinId: number): Change => {
      return { kind: 'put-device', device: deviceOf(id, { place: { kind: 'thin', thinId: parseThinId(thinId) } }) };
    };
    await withCatalog(root, async (catalog) => {
      await catalog.write([pool(1, 7), pool(2, 9), pool(3, 8)]);
      await catalog.write([{ kind: 'delete-device', id: deviceOf(2).id }, pool(1, 7)]);
    });
    await withCatalog(root, async (catalog) => {
      assert.is(catalog.lastThinId, 9);
      for (const thinId of [THIN_ID_MAX / 2, THIN_ID_MAX - 1].map(Math.floor))
        await catalog.write([pool(thinId, thinId)]);
      assert.is(catalog.lastThinId, THIN_ID_MAX - 1);
      await catalog.write([pool(5, 2)]);
      assert.is(catalog.lastThinId, 2);
    });
  });
});

test('Catalog.open refuses a lost database where its marker says that there was one', async () => {
  const losses: ((location: string) => Promise<unknown>)[] = [
    (location) => rm(location, { recursive: true }),
    async (location) => {
      await rm(location, { recursive: true });
      await mkdir(location);
    },
    (location) => rm(join(location, 'CURRENT')),
  ];
  for (const loss of losses) {
    await withScratch(async (root) => {
      await withCatalog(root, (catalog) => catalog.write(pairOf('a', 1)));
      await loss(join(root, 'catalog'));
      for (const attempt of ['first', 'second']) {
        assert.is((await faultOf(Catalog.open(root))).code, 'io', attempt);
      }
    });
  }
});

test('Catalog.open takes a catalog whose marker a crash had not written yet, with its own id', async () => {
  await withScratch(async (root) => {
    const id = await withCatalog(root, async (catalog) => catalog.id);
    await rm(join(root, 'catalog.json'));
    for (const attempt of ['without the marker', 'with it']) {
      assert.is(await withCatalog(root, async (catalog) => catalog.id), id, attempt);
    }
  });
});

test('Catalog.open refuses the database of another root path, and a marker that is not ours', async () => {
  await withScratch(async (dir) => {
    const [ours, theirs] = [join(dir, 'ours'), join(dir, 'theirs')];
    for (const root of [ours, theirs]) await withCatalog(root, (catalog) => catalog.write(pairOf('a', 1)));
    await rm(join(ours, 'catalog'), { recursive: true });
    await rename(join(theirs, 'catalog'), join(ours, 'catalog'));
    assert.is((await faultOf(Catalog.open(ours))).code, 'io');
    await writeFile(join(ours, 'catalog.json'), '{"catalogId":"../../etc"}');
    assert.match((await faultOf(Catalog.open(ours))).message, /does not hold a catalog's id/);
  });
});

test('Catalog.open faults with unavailable while someone has it open', async () => {
  await withScratch((root) =>
    withCatalog(root, async () => {
      assert.is((await faultOf(Catalog.open(root))).code, 'unavailable');
    }),
  );
});

test('Catalog has every write that was acknowledged, whole, after its process was killed in the middle', async () => {
  const script = `
    import { Catalog } from ${JSON.stringify(CATALOG_MODULE)};
    import { pairOf } from ${JSON.stringify(RECORDS_MODULE)};
    import { writeSync } from 'node:fs';
    const catalog = await Catalog.open(process.argv[1]);
    const writer = async () => {
      for (;;) {
        const id = catalog.newDeviceId();
        await catalog.write(pairOf('k' + id, id));
        writeSync(1, 'k' + id + '\\n');
      }
    };
    await Promise.all(Array.from({ length: 8 }, writer));`;
  await withScratch(async (root) => {
    await withNodeChild(script, [root], async (child) => {
      const acknowledged: string[] = [];
      while (acknowledged.length < 200) acknowledged.push(await child.nextLine());
      assert.is((await faultOf(Catalog.open(root))).code, 'unavailable');
      acknowledged.push(...(await child.kill()));
      await withCatalog(root, async ({ tables }) => {
        assert.equal(
          acknowledged.filter((key) => !tables.snapshots.has(key)),
          [],
        );
        assert.is(tables.snapshots.size, tables.devices.size);
      });
    });
  });
});

test.run();
