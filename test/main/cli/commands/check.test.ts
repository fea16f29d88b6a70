// `thinsnap check`, against a daemon on volumes of nothing.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Stock } from '../../../../src/main/volumes/stockroom.ts';
import { parseDeviceId } from '../../../../src/shared/units.ts';
import { type Admin, withAdmin } from '../../../support/admin.ts';
import { deviceOf } from '../../../support/records.ts';
import { PIPE, runOn } from '../support.ts';

type Ask = (...args: readonly string[]) => ReturnType<typeof runOn>;

async function withStock(stock: Partial<Stock>, action: (ask: Ask, admin: Admin) => Promise<void>): Promise<void> {
  await withAdmin(async (admin) => {
    const { catalog, volumes } = admin.core;
    await catalog.write([{ kind: 'put-device', device: deviceOf(1, { state: 'Activated' }) }]);
    volumes.stock = { held: new Set(['thing 1']), omitted: '', active: new Map(), ...stock };
    await action((...args) => runOn(PIPE, 'check', ...args, '--admin-address', admin.address), admin);
  });
}

test('thinsnap check says that nothing differs', async () => {
  await withStock({}, async (ask) => {
    assert.equal(await ask(), { status: 0, out: 'Nothing differs\n', error: '' });
  });
});

test('thinsnap check names each difference by its rule and ends with 1', async () => {
  const stock = { held: new Set(['thing 9']), active: new Map([['stray device', parseDeviceId(9)]]) };
  await withStock(stock, async (ask) => {
    const { status, out } = await ask();
    assert.is(status, 1);
    assert.match(out, /^unknown {2}thing 9: .*\nmissing {2}thing 1: .*\nstray {2}stray device: .*\n$/);
    const list = await ask('--quarantine-list');
    assert.match(list.out, /^unknown {2}thing 9: [^\n]*\n$/);
    const { differences }: { differences: readonly { rule: string }[] } = JSON.parse((await ask('--json')).out);
    assert.equal(
      differences.map(({ rule }) => rule),
      ['unknown', 'missing', 'stray'],
    );
  });
});

test('thinsnap check says what could not be compared, and ends with 1', async () => {
  await withStock({ held: null, omitted: 'thin_ls is not installed' }, async (ask) => {
    const { status, out } = await ask();
    assert.is(status, 1);
    assert.is(out, 'Not all was compared: thin_ls is not installed\n');
  });
});

test('thinsnap check --repair deactivates, and --drop deletes what is unknown and nothing else', async () => {
  const stock = { held: new Set(['thing 1', 'thing 9']), active: new Map([['stray', parseDeviceId(9)]]) };
  await withStock(stock, async (ask, { core }) => {
    await ask('--repair');
    assert.equal(core.volumes.calls, ['dropActive stray']);
    const refused = await ask('--drop', 'thing 1');
    assert.is(refused.status, 1);
    assert.match(refused.error, /Cannot drop "thing 1": it is none of what no record names/);
    await ask('--drop', 'thing 9');
    assert.equal(core.volumes.calls, ['dropActive stray', 'drop thing 9']);
  });
});

test.run();
