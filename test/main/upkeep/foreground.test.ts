// Giving way: for as long as somebody waits, and never for ever.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Foreground } from '../../../src/main/upkeep/foreground.ts';
import { Latch } from '../../support/latch.ts';
import { withTimeout } from '../../support/with-timeout.ts';

const LIMIT_MS = 10_000;

test('Foreground.quiet resolves at once when nobody waits', async () => {
  await withTimeout(new Foreground().quiet(60_000), LIMIT_MS, 'quiet');
});

test('Foreground.quiet resolves when the last call has ended, also by a failure', async () => {
  const foreground = new Foreground();
  const [first, second] = [new Latch(), new Latch()];
  const order: string[] = [];
  const calls = [
    foreground.run(() => first.opened),
    foreground
      .run(async () => {
        await second.opened;
        order.push('second');
        throw new Error('broken');
      })
      .catch(() => undefined),
  ];
  assert.is(foreground.size, 2);
  const quiet = foreground.quiet(60_000).then(() => order.push('quiet'));
  first.open();
  second.open();
  await withTimeout(Promise.all([...calls, quiet]), LIMIT_MS, 'quiet');
  assert.equal(order, ['second', 'quiet']);
  assert.is(foreground.size, 0);
});

test('Foreground.quiet ends at its limit under a load that does not end', async () => {
  const foreground = new Foreground();
  const latch = new Latch();
  const call = foreground.run(() => latch.opened);
  await withTimeout(foreground.quiet(5), LIMIT_MS, 'quiet');
  assert.is(foreground.size, 1);
  latch.open();
  await call;
});

test.run();
