// Thin ids: the range is gone round, and what is taken is passed over.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ThinIds } from '../../../src/main/volumes/thin-pool/thin-ids.ts';
import { THIN_ID_MAX } from '../../../src/shared/units.ts';

test('next() passes over what is taken', () => {
  const ids = new ThinIds({ poolName: 'pool', isTaken: (thinId) => thinId === 8, lastThinId: 7 });
  assert.is(ids.next(), 9);
});

test('next() begins anew after the last one, and not with 0', () => {
  const ids = new ThinIds({ poolName: 'pool', isTaken: () => false, lastThinId: THIN_ID_MAX });
  assert.is(ids.next(), 1);
});

test('next() ends when all are taken', () => {
  const ids = new ThinIds({ poolName: 'pool', isTaken: () => true, lastThinId: 0 });
  assert.throws(() => ids.next(), /Cannot make another device in pool pool: all thin ids are taken/);
});

test.run();
