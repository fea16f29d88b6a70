// Deletions on a fake pool: what comes together goes together, and each one hears of its own failure alone.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Deletions } from '../../../src/main/volumes/thin-pool/deletions.ts';
import type { PoolStatus } from '../../../src/shared/tasks.ts';
import { parseThinId } from '../../../src/shared/units.ts';
import { Latch, settled } from '../../support/latch.ts';
import { FakePool } from '../../support/model/fake-pool.ts';
import { FakeTasks } from '../../support/model/fake-tasks.ts';
import { type Trouble, Troubles } from '../../support/model/troubles.ts';

/** Every step of a task waits for the latch. */
function stage(planned: readonly Trouble[] = []) {
  const pool = new FakePool();
  const steps: string[] = [];
  const seen: PoolStatus[] = [];
  const latch = new Latch();
  const step = (what: string): Promise<void> => {
    steps.push(what);
    return latch.opened;
  };
  const tasks = new FakeTasks({ pool, troubles: new Troubles(planned), process: { step }, stamp: () => 0 });
  const deletions = new Deletions({ tasks, poolName: 'pool', poolTag: null, onStatus: (status) => seen.push(status) });
  const deleteAll = (count: number): Promise<void>[] => {
    const thinIds = Array.from({ length: count }, (_, index) => parseThinId(index + 1));
    for (const thinId of thinIds) pool.createThin(thinId);
    return thinIds.map((thinId) => deletions.delete(thinId));
  };
  return { pool, steps, seen, latch, deleteAll };
}

/** The numbers of those that failed. */
async function failuresOf(deleted: readonly Promise<void>[]): Promise<readonly number[]> {
  const outcomes = await Promise.allSettled(deleted);
  return outcomes.flatMap(({ status }, index) => (status === 'rejected' ? [index + 1] : []));
}

test('Deletions.delete begins at once, two tasks at a time, and puts what waits meanwhile into the next ones', async () => {
  const { pool, steps, seen, latch, deleteAll } = stage();
  const deleted = deleteAll(25);
  await settled();
  assert.equal(steps, ['delete 1', 'delete 2']);
  latch.open();
  assert.equal(await failuresOf(deleted), []);
  assert.is(pool.thins.size, 0);
  // Those two, and of the 23 that waited 16 and 7.
  assert.is(seen.length, 4);
});

test('Deletions.delete fails for the one that failed alone', async () => {
  // The first two are the first steps; the fourth of all that follow is in the task of the others.
  const { pool, seen, latch, deleteAll } = stage([{ at: 5, failure: 'device-busy', lasting: 'once' }]);
  const deleted = deleteAll(6);
  latch.open();
  const failed = await failuresOf(deleted);
  assert.is(failed.length, 1);
  assert.equal([...pool.thins.keys()], failed);
  assert.is(seen.length, 3);
});

test('Deletions.delete fails for all of a task whose pool is not sound after it, and goes on', async () => {
  // Two tasks of two steps each, and in the third one its last.
  const { seen, latch, deleteAll } = stage([{ at: 7, failure: 'pool-unsound', lasting: 'once' }]);
  const deleted = deleteAll(5);
  latch.open();
  assert.equal(await failuresOf(deleted), [3, 4, 5]);
  assert.is(seen.length, 2);
  assert.equal(await failuresOf(deleteAll(1)), []);
});

test.run();
