// The extender on volumes of nothing: what it does once, what it tries again, and what it tells.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Extender } from '../../../src/main/upkeep/extender.ts';
import type { Space } from '../../../src/main/volumes/volumes.ts';
import { FakeGrowth } from '../../support/fake-growth.ts';
import { withFakeTime } from '../../support/fake-time.ts';
import { FakeVolumes } from '../../support/fake-volumes.ts';
import { Latch, settled } from '../../support/latch.ts';

interface Setting {
  readonly volumes: FakeVolumes;
  readonly growth: FakeGrowth;
  readonly extender: Extender;
  readonly told: string[];
}

function set(space: Space, { roomBytes = 10_000, failure = null as string | null } = {}): Setting {
  const volumes = new FakeVolumes();
  volumes.space = space;
  const growth = new FakeGrowth(volumes, { roomBytes, failure });
  volumes.growth = growth;
  const told: string[] = [];
  const extender = new Extender(volumes, {
    onExtended: ({ what, beforeBytes, afterBytes }) => told.push(`${what} ${beforeBytes} ${afterBytes}`),
    onTrouble: ({ what, reason }) => told.push(`${what} ${reason}`),
  });
  return { volumes, growth, extender, told };
}

function data(usedBytes: number, totalBytes = 1000): Space {
  return { data: { usedBytes, totalBytes }, metadata: null };
}

test('Extender extends above the threshold, tells the sizes, and leaves alone what is large enough', async () => {
  const { volumes, extender, told, growth } = set(data(800));
  const seen: number[] = [];
  const stop = extender.observe(({ afterBytes }) => seen.push(afterBytes));
  await extender.keepUp();
  assert.equal([told, growth.attempts], [[], 0]);
  volumes.space = data(801);
  await extender.keepUp();
  await extender.keepUp();
  stop();
  volumes.space = data(1200, 1200);
  await extender.keepUp();
  assert.equal(told, ['data 1000 1200', 'data 1200 1500']);
  assert.equal([seen, extender.times, extender.troubles], [[1200], 2, []]);
});

test('Extender extends metadata apart from data, and first', async () => {
  const MIB = 1024 * 1024;
  const { extender, growth } = set({
    data: { usedBytes: 801, totalBytes: 1000 },
    metadata: { usedBytes: 9 * MIB, totalBytes: 10 * MIB },
  });
  growth.roomBytes = 100 * MIB;
  await extender.keepUp();
  assert.equal(growth.asked, [
    { dataBytes: null, metadataBytes: 12 * MIB },
    { dataBytes: 1200, metadataBytes: null },
  ]);
});

test('Extender runs one extension at a time, and who comes meanwhile waits for it', async () => {
  const { extender, growth } = set(data(900));
  const latch = new Latch();
  growth.before = () => latch.opened;
  let ended = 0;
  const all = [extender.keepUp(), extender.keepUp()].map((one) => one.then(() => (ended += 1)));
  await settled();
  assert.equal([growth.attempts, ended], [1, 0]);
  latch.open();
  await Promise.all(all);
  assert.equal([growth.attempts, ended], [1, 2]);
});

test('Extender takes what room there is, then says once that there is none, and looks again with growing pauses', async () => {
  await withFakeTime(async (pass) => {
    const { volumes, extender, growth, told } = set(data(1000), { roomBytes: 100 });
    await extender.keepUp();
    volumes.space = data(1100, 1100);
    const triedAt: number[] = [];
    for (let tick = 0; tick < 800; tick += 1) {
      const before = growth.attempts;
      await extender.keepUp();
      if (growth.attempts > before) triedAt.push(tick / 4);
      await pass(250);
    }
    assert.equal(triedAt, [0, 1, 3, 7, 15, 31, 63, 123, 183]);
    assert.equal(told, ['data 1000 1100', 'data no-room']);
    assert.match(extender.lastFailure ?? '', /nothing is left/);
    growth.roomBytes = 5000;
    await pass(60_000);
    await extender.keepUp();
    assert.equal(told.slice(2), ['data 1100 1375']);
    assert.equal(extender.troubles, []);
  });
});

test('Extender forgets its trouble when space is freed instead', async () => {
  const { volumes, extender } = set(data(900), { roomBytes: 0 });
  await extender.keepUp();
  assert.is(extender.troubles.length, 1);
  volumes.space = data(100);
  await extender.keepUp();
  assert.equal(extender.troubles, []);
});

test('Extender tells a failure with its cause, once, and not when somebody else had extended the pool', async () => {
  await withFakeTime(async (pass) => {
    const { volumes, extender, growth, told } = set(data(900), {
      failure: 'Cannot run lvextend: no larger than it is',
    });
    volumes.refreshSpace = async () => (volumes.space = data(900, 1200));
    await extender.keepUp();
    assert.equal([told, extender.troubles], [[], []]);
    volumes.refreshSpace = async () => volumes.space;
    volumes.space = data(1100, 1200);
    for (let seconds = 0; seconds < 5; seconds += 1) {
      await extender.keepUp();
      await pass(1000);
    }
    assert.equal([told, growth.attempts], [['data io'], 4]);
    assert.match(extender.troubles[0]?.found ?? '', /could not be extended: Cannot run lvextend/);
  });
});

test('Extender begins nothing once it is closed, and ends what runs', async () => {
  const { extender, growth } = set(data(900));
  const latch = new Latch();
  growth.before = () => latch.opened;
  const running = extender.keepUp();
  let closed = false;
  const closing = extender.close().then(() => (closed = true));
  await settled();
  assert.not(closed);
  latch.open();
  await Promise.all([running, closing]);
  growth.before = async () => undefined;
  growth.policy = { thresholdPercent: 50, percent: 100 };
  await extender.keepUp();
  assert.is(growth.attempts, 1);
});

test.run();
