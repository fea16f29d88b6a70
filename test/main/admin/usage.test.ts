// What snapshots take, from records and what storage says: whose blocks are whose, and what removing each frees.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Change } from '../../../src/main/catalog/tables.ts';
import type { Footprint } from '../../../src/main/volumes/stockroom.ts';
import { MIB, parseDeviceId } from '../../../src/shared/units.ts';
import { type Admin, withAdmin } from '../../support/admin.ts';
import { activeOf, deviceOf, snapshotOf, viewOf } from '../../support/records.ts';
import { at, PIPE, runOn } from '../cli/support.ts';

const test = suite('usage');

/** A base, a layer of it with one snapshot that stands ready, a child that is active, a view, and one that is being removed. */
const FAMILY: readonly Change[] = [
  { kind: 'put-device', device: deviceOf(1, { purpose: { kind: 'base', fsOptions: [] } }) },
  { kind: 'put-device', device: deviceOf(2, { originId: parseDeviceId(1) }) },
  { kind: 'put-device', device: deviceOf(3, { originId: parseDeviceId(2), state: 'Activated' }) },
  { kind: 'put-device', device: deviceOf(4, { originId: parseDeviceId(1) }) },
  {
    kind: 'put-device',
    device: deviceOf(5, { originId: parseDeviceId(4), purpose: { kind: 'standby' }, state: 'Activated' }),
  },
  { kind: 'put-device', device: deviceOf(6, { state: 'Removing' }) },
  { kind: 'put-snapshot', snapshot: snapshotOf('layer', 2) },
  { kind: 'put-snapshot', snapshot: { ...activeOf('web', 3), parent: 'layer' } },
  { kind: 'put-snapshot', snapshot: snapshotOf('leaf', 4) },
  { kind: 'put-snapshot', snapshot: viewOf('view', 2, 'layer') },
];
const MEASURED: readonly (readonly [number, number, number])[] = [
  [1, 10, 1],
  [2, 30, 4],
  [3, 33, 5],
  [4, 20, 2],
  [5, 20, 1],
  [6, 7, 7],
];

async function withFamily(action: (admin: Admin) => Promise<void>): Promise<void> {
  await withAdmin(async (admin) => {
    await admin.core.catalog.write(FAMILY);
    admin.core.volumes.measures = {
      footprints: new Map(MEASURED.map(([id, mapped, exclusive]) => [parseDeviceId(id), mib(mapped, exclusive)])),
      others: [mib(8, 3)],
      usedBytes: 60 * MIB,
      omitted: '',
    };
    await action(admin);
  });
}

function mib(mapped: number, exclusive: number | null): Footprint {
  return { mappedBytes: mapped * MIB, exclusiveBytes: exclusive === null ? null : exclusive * MIB };
}

test('thinsnap usage shows whose blocks are whose, and what each frees with what stands ready of it', async () => {
  await withFamily(async ({ address }) => {
    assert.equal(await runOn(PIPE, 'usage', '--admin-address', address), {
      status: 0,
      out: [
        'NAME   KIND       EXCLUSIVE  SHARED  REFERENCED  PROVISIONED   FREES',
        'layer  committed       4MiB   26MiB       30MiB         1GiB       -',
        'leaf   committed       2MiB   18MiB       20MiB         1GiB  >=3MiB',
        'view   view              0B      0B          0B           0B      0B',
        'web    active          5MiB   28MiB       33MiB         1GiB    5MiB',
        '',
        'Snapshots     3: 11MiB exclusive, 83MiB referenced, 3GiB provisioned',
        'Stand ready   1: 1MiB exclusive, 20MiB referenced, 1GiB provisioned',
        'Bases         1: 1MiB exclusive, 10MiB referenced, 1GiB provisioned',
        'Not yet gone  1: 7MiB exclusive, 7MiB referenced, 1GiB provisioned',
        'Others        1: 3MiB exclusive, 8MiB referenced',
        "Views         1: they use their parents' devices",
        'Used          60MiB, each block once; 37MiB of that in more than one',
        '',
      ].join('\n'),
      error: '',
    });
  });
});

test('thinsnap usage takes keys, sorts, and has exact bytes in JSON', async () => {
  await withFamily(async ({ address }) => {
    const ask = (...args: readonly string[]) => runOn(PIPE, 'usage', '--admin-address', address, ...args);
    const sorted: unknown = JSON.parse((await ask('--sort', 'exclusive', '--reverse', '--json')).out);
    assert.equal(
      [0, 1, 2, 3].map((index) => at(sorted, 'snapshots', index, 'name')),
      ['web', 'layer', 'leaf', 'view'],
    );
    const one: unknown = JSON.parse((await ask('"web"', '--quoted', '--json')).out);
    assert.is(at(one, 'snapshots', 1), undefined);
    assert.equal(at(one, 'snapshots', 0), {
      name: 'web',
      parent: 'layer',
      kind: 'active',
      children: 0,
      provisioned_bytes: 1024 * MIB,
      referenced_bytes: 33 * MIB,
      exclusive_bytes: 5 * MIB,
      shared_bytes: 28 * MIB,
      frees_bytes: 5 * MIB,
      standby: 0,
    });
    // Totals are of everything all the same.
    assert.is(at(one, 'totals', 'snapshots', 'count'), 3);
    assert.is((await ask('none')).status, 4);
    assert.is((await ask('--sort', 'colour')).status, 2);
  });
});

test('thinsnap usage says "-" for what is not known, and why', async () => {
  await withFamily(async ({ address, core }) => {
    const { measures } = core.volumes;
    const footprints = new Map(measures.footprints).set(parseDeviceId(3), mib(33, null));
    footprints.delete(parseDeviceId(2));
    core.volumes.measures = { footprints, others: [], usedBytes: null, omitted: 'no\u001b time' };
    const { out } = await runOn(PIPE, 'usage', '--admin-address', address);
    assert.match(out, /\nlayer +committed +- +- +- +1GiB +-\n/);
    assert.match(out, /\nweb +active +- +- +33MiB +1GiB +-\n/);
    assert.match(out, /\nSnapshots +3: - exclusive, - referenced, 3GiB provisioned\n/);
    assert.match(out, /\nNot known +no\\u001b time\n$/);
    assert.not.match(out, 'Used');
  });
});

test.run();
