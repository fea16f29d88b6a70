// The space guard: what is free against what must stay so, of data and of metadata.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { MinFreeSpace } from '../../../src/main/config/config.ts';
import { LOOK_PAUSE_MAX_MS } from '../../../src/main/upkeep/pacing.ts';
import { type Crossing, roomAdvice, SpaceGuard, type SpaceObserver } from '../../../src/main/upkeep/space-guard.ts';
import type { Space, VolumesFacts } from '../../../src/main/volumes/volumes.ts';
import { FaultError } from '../../../src/shared/faults.ts';
import type { PoolMakeup } from '../../../src/shared/pool-makeup.ts';
import { MIB, parseBytes } from '../../../src/shared/units.ts';
import { withFakeTime } from '../../support/fake-time.ts';
import { FakeVolumes } from '../../support/fake-volumes.ts';
import { faultOf } from '../../support/faults.ts';

const CANNOT = { keepUp: async (): Promise<void> => undefined };
const IGNORED: SpaceObserver = { onLook: () => undefined, onError: () => undefined, onCrossing: () => undefined };
const OTHERS = { extender: CANNOT, observer: IGNORED };
const TENTH: MinFreeSpace = { kind: 'percent', percent: 10 };

async function check(space: Space, minFree: MinFreeSpace, facts?: VolumesFacts): Promise<void> {
  const volumes = new FakeVolumes();
  volumes.space = space;
  volumes.facts = facts ?? volumes.facts;
  const guard = new SpaceGuard({ volumes, minFree, ...OTHERS });
  try {
    await guard.check();
  } finally {
    guard.close();
  }
}

/** As if so much of the pool were in use after its extension. */
function extending(volumes: FakeVolumes, usedMib: number): { keepUp: () => Promise<void> } {
  return {
    keepUp: async () => {
      volumes.space = used(usedMib, 0);
    },
  };
}

function used(data: number, metadata: number): Space {
  const totalBytes = 100 * MIB;
  return {
    data: { usedBytes: data * MIB, totalBytes },
    metadata: { usedBytes: metadata * MIB, totalBytes },
  };
}

test('SpaceGuard.check lets pass what leaves just the reserve, and refuses one byte less', async () => {
  await check(used(90, 90), TENTH);
  const totalBytes = 100 * MIB;
  const short = { data: { usedBytes: 90 * MIB + 1, totalBytes }, metadata: null };
  assert.is((await faultOf(check(short, TENTH))).code, 'no-space');
  await check(short, { kind: 'bytes', bytes: parseBytes(10 * MIB - 1) });
  const fault = await faultOf(check(short, { kind: 'bytes', bytes: parseBytes(10 * MIB) }));
  assert.match(fault.message, /Cannot make another snapshot/);
});

test('SpaceGuard.check says which space is short, and by the numbers', async () => {
  assert.match(
    (await faultOf(check(used(95, 0), TENTH))).message,
    /5MiB of 100MiB of data space are free, and min_free_space keeps 10MiB/,
  );
  assert.match((await faultOf(check(used(0, 99), TENTH))).message, /1MiB of 100MiB of metadata space are free/);
});

test('SpaceGuard.check says what makes room, by where the volumes are', async () => {
  const pool = { kind: 'loop', dir: '/pool' } as PoolMakeup;
  const facts = { poolName: 'p', blockBytes: 0, engine: 'ioctl', driverVersion: '' } as const;
  for (const [kind, advice] of [
    [
      { kind: 'blockfile', directory: '/files' },
      'Remove images or containers, or make room on the file system of /files',
    ],
    [
      { kind: 'thin-pool', ...facts, makeup: pool } as VolumesFacts,
      'Remove images or containers, extend the pool, or make room on the file system of /pool',
    ],
    [{ kind: 'thin-pool', ...facts, makeup: null } as VolumesFacts, 'Remove images or containers, or extend the pool'],
  ] as const) {
    assert.is(roomAdvice(kind), advice);
    const { message } = await faultOf(check(used(95, 0), TENTH, kind));
    assert.ok(message.endsWith(`keeps 10MiB. ${advice}`), message);
  }
});

test('SpaceGuard.check faults with no-space where more is used than there is', async () => {
  assert.is((await faultOf(check(used(101, 0), TENTH))).code, 'no-space');
});

test('SpaceGuard tells of each level once, when it is come to, of data and of metadata', () => {
  const volumes = new FakeVolumes();
  const told: string[] = [];
  volumes.space = used(95, 0);
  const onCrossing = ({ what, level, freeBytes, reserveBytes }: Crossing): void =>
    void told.push(`${what} ${level} ${freeBytes / MIB} ${reserveBytes / MIB}`);
  const guard = new SpaceGuard({ volumes, minFree: TENTH, ...OTHERS, observer: { ...IGNORED, onCrossing } });
  try {
    for (const space of [used(96, 0), used(85, 85), used(85, 85), used(10, 91), used(10, 10)]) {
      volumes.space = space;
      guard.look();
    }
  } finally {
    guard.close();
  }
  assert.equal(told, [
    'data short 5 10',
    'data low 15 10',
    'metadata low 15 10',
    'data ok 90 10',
    'metadata short 9 10',
    'metadata ok 90 10',
  ]);
});

test('SpaceGuard.check refuses nothing that an extension makes room for, and waits for that', async () => {
  const volumes = new FakeVolumes();
  volumes.space = used(95, 0);
  const extender = extending(volumes, 15);
  const guard = new SpaceGuard({ volumes, minFree: TENTH, ...OTHERS, extender });
  try {
    await guard.check();
  } finally {
    guard.close();
  }
});

test('SpaceGuard extends before it tells that space is low', async () => {
  await withFakeTime(async (pass) => {
    const volumes = new FakeVolumes();
    const told: string[] = [];
    volumes.space = used(10, 0);
    const extender = extending(volumes, 40);
    const onCrossing = ({ what, level }: Crossing): void => void told.push(`${what} ${level}`);
    const guard = new SpaceGuard({
      volumes,
      minFree: TENTH,
      ...OTHERS,
      extender,
      observer: { ...IGNORED, onCrossing },
    });
    volumes.space = used(95, 0);
    await pass(LOOK_PAUSE_MAX_MS);
    guard.close();
    assert.equal([told, volumes.space.data.usedBytes], [[], 40 * MIB]);
  });
});

test('SpaceGuard tells once that it cannot see the figures, and again after it could', async () => {
  await withFakeTime(async (pass) => {
    const volumes = new FakeVolumes();
    const sound = volumes.refreshSpace.bind(volumes);
    const gone = async (): Promise<Space> => {
      throw new FaultError('unavailable', 'Cannot use block files: ENOENT');
    };
    const told: unknown[] = [];
    const observer = { ...IGNORED, onError: (error: unknown) => void told.push(error) };
    const guard = new SpaceGuard({ volumes, minFree: TENTH, ...OTHERS, observer });
    const seen = async (refresh: () => Promise<Space>): Promise<unknown> => {
      volumes.refreshSpace = refresh;
      for (let looks = 0; looks < 3; looks += 1) await pass(LOOK_PAUSE_MAX_MS);
      return [told.length, guard.trouble?.message ?? null];
    };
    const message = 'Cannot use block files: ENOENT';
    assert.equal(
      [await seen(sound), await seen(gone), await seen(sound), await seen(gone)],
      [
        [0, null],
        [1, message],
        [1, null],
        [2, message],
      ],
    );
    guard.close();
  });
});

test('SpaceGuard tells of each look before the pool is extended', async () => {
  await withFakeTime(async (pass) => {
    const volumes = new FakeVolumes();
    const seen: string[] = [];
    const refresh = volumes.refreshSpace.bind(volumes);
    volumes.refreshSpace = () => {
      seen.push('look');
      return refresh();
    };
    const extender = { keepUp: async () => void seen.push('extend') };
    const observer = { ...IGNORED, onLook: () => void seen.push('told') };
    const guard = new SpaceGuard({ volumes, minFree: TENTH, extender, observer });
    for (let looks = 0; looks < 2; looks += 1) await pass(LOOK_PAUSE_MAX_MS);
    guard.close();
    assert.equal(seen, ['told', 'look', 'told', 'extend', 'look', 'told', 'extend']);
  });
});

for (const [what, mibPerSecond, freeMib, pausesMs] of [
  ['the largest pause where nobody could fill a quarter sooner', 0, 1024 * 1024, [5000, 5000]],
  ['a pause for who begins at full speed', 0, 4000, [4000, 4000]],
  ['the smallest pause in a small pool', 0, 16, [250, 250]],
  ['as fast as the writer was', 1024, 8192, [5000, 750]],
] as const) {
  test(`SpaceGuard looks again: ${what}`, async () => {
    await withFakeTime(async (pass, nowMs) => {
      const volumes = new FakeVolumes();
      const looks: number[] = [];
      const totalBytes = freeMib * MIB;
      volumes.space = { data: { usedBytes: 0, totalBytes }, metadata: null };
      volumes.refreshSpace = async (): Promise<Space> => {
        looks.push(nowMs());
        volumes.space = { data: { usedBytes: (nowMs() / 1000) * mibPerSecond * MIB, totalBytes }, metadata: null };
        return volumes.space;
      };
      const guard = new SpaceGuard({ volumes, minFree: TENTH, ...OTHERS });
      for (let steps = 0; steps < 240; steps += 1) await pass(50);
      guard.close();
      const [first = 0, second = 0] = looks;
      assert.equal([first, second - first], pausesMs);
      const count = looks.length;
      await pass(LOOK_PAUSE_MAX_MS);
      assert.is(looks.length, count);
    });
  });
}

test.run();
