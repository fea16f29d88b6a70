// The rules for what records and storage do not agree about, on volumes of nothing.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { compare, drop, repair } from '../../../src/main/upkeep/comparison.ts';
import type { Stock } from '../../../src/main/volumes/stockroom.ts';
import { parseDeviceId } from '../../../src/shared/units.ts';
import { type Core, withCore } from '../../support/core.ts';
import { faultOf } from '../../support/faults.ts';
import { deviceOf } from '../../support/records.ts';

/** A core with the records 1 (active) and 2 (committed), and storage that holds `things`. */
async function withStock(stock: Partial<Stock>, action: (core: Core) => Promise<void>): Promise<void> {
  await withCore(async (core) => {
    for (const device of [deviceOf(1, { state: 'Activated' }), deviceOf(2, { state: 'Deactivated' })]) {
      await core.catalog.write([{ kind: 'put-device', device }]);
    }
    core.volumes.stock = { held: new Set(['thing 1', 'thing 2']), omitted: '', active: new Map(), ...stock };
    await action(core);
  });
}

test('compare() finds nothing where records, storage and kernel agree', async () => {
  await withStock({ active: new Map([['a', parseDeviceId(1)]]) }, async (core) => {
    assert.equal(await compare(core), { differences: [], omitted: '' });
  });
});

test('compare() names what no record names, and what storage does not hold', async () => {
  await withStock({ held: new Set(['thing 2', 'thing 9']) }, async (core) => {
    assert.equal((await compare(core)).differences, [
      { rule: 'unknown', what: 'thing 9' },
      { rule: 'missing', what: 'thing 1' },
    ]);
  });
});

test('compare() names a faulty device that storage does not hold', async () => {
  await withStock({}, async (core) => {
    await core.catalog.write([{ kind: 'put-device', device: deviceOf(3, { state: 'Faulty' }) }]);
    assert.equal((await compare(core)).differences, [{ rule: 'missing', what: 'thing 3' }]);
  });
});

test('compare() names a device of ours in the kernel that has no record', async () => {
  const active = new Map([
    ['known', parseDeviceId(2)],
    ['other', parseDeviceId(9)],
    ['odd', null],
  ]);
  await withStock({ active }, async (core) => {
    assert.equal((await compare(core)).differences, [
      { rule: 'stray', what: 'other' },
      { rule: 'stray', what: 'odd' },
    ]);
  });
});

test('compare() takes what is being made or removed for no difference', async () => {
  await withStock({ held: new Set(['thing 1', 'thing 2', 'thing 3']) }, async (core) => {
    await core.catalog.write([{ kind: 'put-device', device: deviceOf(3, { state: 'Creating' }) }]);
    await core.catalog.write([{ kind: 'put-device', device: deviceOf(4, { state: 'Removing' }) }]);
    assert.equal((await compare(core)).differences, []);
  });
});

test('compare() takes what came and went while it looked for ours', async () => {
  await withStock({}, async (core) => {
    const { volumes, catalog } = core;
    const meanwhile = {
      ...volumes.stockroom,
      take: async (): Promise<Stock> => {
        await catalog.write([{ kind: 'put-device', device: deviceOf(5, { state: 'Creating' }) }]);
        await catalog.write([{ kind: 'delete-device', id: parseDeviceId(5) }]);
        return { held: new Set(['thing 1', 'thing 2', 'thing 5']), omitted: '', active: new Map() };
      },
    };
    const busy = Object.create(volumes, { stockroom: { value: meanwhile } });
    assert.equal((await compare({ catalog, volumes: busy })).differences, []);
  });
});

test('compare() says what it could not look at', async () => {
  await withStock({ held: null, omitted: 'thin_ls is not installed' }, async (core) => {
    assert.equal(await compare(core), { differences: [], omitted: 'thin_ls is not installed' });
  });
});

test('repair() deactivates what the kernel has without a record, and deletes nothing', async () => {
  const stock = { held: new Set(['thing 1', 'thing 9']), active: new Map([['other', parseDeviceId(9)]]) };
  await withStock(stock, async (core) => {
    await repair(core);
    assert.equal(core.volumes.calls, ['dropActive other']);
  });
});

test('drop() deletes what no record names, and nothing else', async () => {
  await withStock({ held: new Set(['thing 1', 'thing 2', 'thing 9']) }, async (core) => {
    for (const what of ['thing 1', 'thing 3', '']) {
      assert.is((await faultOf(drop(core, what))).code, 'precondition');
    }
    await drop(core, 'thing 9');
    assert.equal(core.volumes.calls, ['drop thing 9']);
  });
});

test.run();
