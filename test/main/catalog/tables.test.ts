// The tables' indexes against a model that counts afresh each time.

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Device, Snapshot } from '../../../src/main/catalog/records.ts';
import { type Change, REF_LABEL, Tables } from '../../../src/main/catalog/tables.ts';
import { isFault } from '../../../src/shared/faults.ts';
import { parseDeviceId } from '../../../src/shared/units.ts';
import { deviceOf, snapshotOf, viewOf } from '../../support/records.ts';

const KEYS = ['a', 'b', 'c', '__proto__'];
const anyKey = fc.constantFrom(...KEYS);
const anyId = fc.integer({ min: 1, max: 4 });

const REFS = ['x', 'ax'];

const anyPut = fc
  .record({
    key: anyKey,
    id: anyId,
    parent: fc.constantFrom('', ...KEYS),
    isView: fc.boolean(),
    ref: fc.constantFrom(null, ...REFS),
  })
  .map(({ key, id, parent, isView, ref }): Change => {
    const labels = new Map(ref === null ? [] : [[REF_LABEL, ref]]);
    const committed = snapshotOf(key, id, { parent, labels });
    return { kind: 'put-snapshot', snapshot: isView ? viewOf(key, id, parent) : committed };
  });

const anyChange: fc.Arbitrary<Change> = fc.oneof(
  anyPut,
  anyKey.map((key): Change => ({ kind: 'delete-snapshot', key })),
  fc.record({ id: anyId, isFile: fc.boolean() }).map(({ id, isFile }): Change => {
    // Where a device is never changes: odd ones are files here.
    const place = id % 2 === 1 ? { place: { kind: 'file' } as const } : {};
    // What a device is for never changes either.
    const purpose = id === 1 ? { purpose: { kind: 'base', fsOptions: [] } as const } : {};
    const state = isFile ? 'Removing' : 'Activated';
    return { kind: 'put-device', device: deviceOf(id, { ...place, ...purpose, state }) };
  }),
  anyId.map((id): Change => ({ kind: 'delete-device', id: parseDeviceId(id) })),
);

class Model {
  readonly snapshots = new Map<string, Snapshot>();
  readonly devices = new Map<number, Device>();

  apply(change: Change): void {
    if (change.kind === 'put-snapshot') this.snapshots.set(change.snapshot.key, change.snapshot);
    else if (change.kind === 'delete-snapshot') this.snapshots.delete(change.key);
    else if (change.kind === 'put-device') this.devices.set(change.device.id, change.device);
    else this.devices.delete(change.id);
  }

  thinIds(): number[] {
    const places = [...this.devices.values()].map(({ place }) => place);
    return places.flatMap((place) => (place.kind === 'thin' ? [place.thinId] : [])).sort();
  }

  count(matches: (snapshot: Snapshot) => boolean): number {
    return [...this.snapshots.values()].filter(matches).length;
  }
}

test('Tables counts children, views, thin ids, bases and refs as a fresh count would, after any changes', () => {
  fc.assert(
    fc.property(fc.array(anyChange, { maxLength: 60 }), (changes) => {
      const tables = new Tables();
      const model = new Model();
      const lists: { readonly listed: readonly Snapshot[]; readonly expected: readonly Snapshot[] }[] = [];
      for (const change of changes) {
        tables.apply(change);
        model.apply(change);
        lists.push({ listed: tables.listed, expected: [...tables.snapshots.values()] });
        assert.is(tables.listed, tables.listed);
      }
      for (const { listed, expected } of lists) assert.equal(listed, expected);
      assert.equal(new Map(tables.snapshots), model.snapshots);
      assert.equal(new Map<number, Device>(tables.devices), model.devices);
      assert.equal([...tables.thinIds].sort(), model.thinIds());
      for (const key of KEYS) {
        assert.is(
          tables.childrenOf(key),
          model.count(({ parent }) => parent === key),
          `children of ${key}`,
        );
      }
      for (const id of [1, 2, 3, 4]) {
        const views = model.count(({ kind, deviceId }) => kind === 'view' && deviceId === parseDeviceId(id));
        assert.is(tables.viewsOf(parseDeviceId(id)), views, `views of ${id}`);
      }
      assert.equal(
        [...tables.bases],
        [...model.devices.values()].filter(({ purpose }) => purpose.kind === 'base'),
      );
      for (const parent of ['', ...KEYS]) {
        for (const ref of REFS) {
          const bearers = model.count(
            (found) => found.kind === 'committed' && found.parent === parent && found.labels.get(REF_LABEL) === ref,
          );
          assert.is(tables.hasRef(parent, ref), bearers > 0, `ref ${ref} under ${parent}`);
        }
      }
    }),
  );
});

test('Tables.snapshot faults with not-found, Tables.device with bug, when there is none', () => {
  const tables = new Tables();
  assert.throws(
    () => tables.snapshot('a"b'),
    (error: unknown) => isFault(error, 'not-found'),
  );
  assert.throws(() => tables.snapshot('a"b'), /Cannot find snapshot "a\\"b": there is none/);
  assert.throws(
    () => tables.device(parseDeviceId(1)),
    (error: unknown) => isFault(error, 'bug'),
  );
});

test.run();
