// Lanes and the gate: order within one lane, none between lanes, no caller that waits for ever.

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Gate, LANE_PENDING_MAX, Lanes } from '../../src/main/lanes.ts';
import { faultOf } from '../support/faults.ts';
import { Latch, settled } from '../support/latch.ts';
import { withTimeout } from '../support/with-timeout.ts';

const LIMIT_MS = 10_000;

test('Lanes.run runs the actions of one lane in turn and in their order', async () => {
  const lanes = new Lanes();
  const events: string[] = [];
  const action = (name: string) => async () => {
    events.push(`${name} begins`);
    await settled();
    events.push(`${name} ends`);
    return name;
  };
  const answers = await Promise.all(['a', 'b', 'c'].map((name) => lanes.run('one', action(name))));
  assert.equal(answers, ['a', 'b', 'c']);
  assert.equal(events, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
});

test('Lanes.run does not let one lane wait for another', async () => {
  const lanes = new Lanes();
  const latch = new Latch();
  const held = lanes.run('held', () => latch.opened);
  assert.is(
    await withTimeout(
      lanes.run('free', async () => 7),
      LIMIT_MS,
      'the free lane',
    ),
    7,
  );
  latch.open();
  await held;
});

test('Lanes.run goes on with the next action when one failed, and answers its fault', async () => {
  const lanes = new Lanes();
  const failed = lanes.run('one', async () => {
    throw new TypeError('on purpose');
  });
  const next = lanes.run('one', async () => 'next');
  assert.match(String(await failed.catch((error: unknown) => error)), /TypeError: on purpose/);
  assert.is(await next, 'next');
});

test('Lanes.run refuses at once what is over the bound, and takes calls again afterwards', async () => {
  const lanes = new Lanes();
  const latch = new Latch();
  const calls = Array.from({ length: LANE_PENDING_MAX + 1 }, () => lanes.run('one', () => latch.opened));
  const fault = await faultOf(
    withTimeout(
      lanes.run('one', async () => undefined),
      LIMIT_MS,
      'the refusal',
    ),
  );
  assert.is(fault.code, 'overloaded');
  assert.is(await lanes.run('other', async () => 1), 1);
  latch.open();
  await Promise.all(calls);
  assert.is(await lanes.run('one', async () => 2), 2);
  assert.is(lanes.size, 0);
});

test('Lanes keeps nothing of a lane whose last action has ended, however it ended', async () => {
  const lanes = new Lanes();
  await lanes.run('well', async () => undefined);
  assert.is(lanes.size, 0);
  await lanes.run('badly', () => Promise.reject(new Error('on purpose'))).catch(() => undefined);
  assert.is(lanes.size, 0);
  await Promise.all([1, 2, 3].map(() => lanes.run('several', settled)));
  assert.is(lanes.size, 0);
});

test('Lanes.runAll with lanes in any order never has two at once in a lane, ends, and leaves no lane', async () => {
  const subset = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(fc.array(subset, { maxLength: 20 }), async (callers) => {
      const lanes = new Lanes();
      const inside = new Set<string>();
      let clashes = 0;
      const calls = callers.map((names) =>
        lanes.runAll(names, async () => {
          clashes += names.filter((name) => inside.has(name)).length;
          for (const name of names) inside.add(name);
          await new Promise((resolve) => setImmediate(resolve));
          for (const name of names) inside.delete(name);
        }),
      );
      await withTimeout(Promise.all(calls), LIMIT_MS, 'a deadlock');
      assert.is(clashes, 0);
      assert.is(lanes.size, 0);
    }),
    { numRuns: 50 },
  );
});

test('Lanes.runAll takes a lane that is named twice once', async () => {
  const lanes = new Lanes();
  assert.is(
    await withTimeout(
      lanes.runAll(['a', 'a'], async () => 3),
      LIMIT_MS,
      'itself',
    ),
    3,
  );
});

test('Gate.run lets as many through as it was told, and idle waits for all of them', async () => {
  const gate = new Gate(2);
  const latch = new Latch();
  let running = 0;
  let most = 0;
  let done = 0;
  for (let call = 0; call < 5; call += 1) {
    void gate.run(async () => {
      running += 1;
      most = Math.max(most, running);
      await latch.opened;
      running -= 1;
      done += 1;
    });
  }
  await settled();
  assert.is(running, 2);
  latch.open();
  await gate.idle();
  assert.equal([most, done], [2, 5]);
});

test.run();
