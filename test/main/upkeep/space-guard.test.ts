// The space guard: what is free against what must stay so, of data and of metadata.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { MinFreeSpace } from '../../../src/main/config/config.ts';
import { SpaceGuard } from '../../../src/main/upkeep/space-guard.ts';
import type { Space } from '../../../src/main/volumes/volumes.ts';
import { isFault } from '../../../src/shared/faults.ts';
import { MIB, parseBytes } from '../../../src/shared/units.ts';
import { FakeVolumes } from '../../support/fake-volumes.ts';

const TENTH: MinFreeSpace = { kind: 'percent', percent: 10 };

function check(space: Space, minFree: MinFreeSpace): void {
  const volumes = new FakeVolumes();
  volumes.space = space;
  const guard = new SpaceGuard(volumes, minFree, { onError: () => undefined, onCrossing: () => undefined });
  try {
    guard.check();
  } finally {
    guard.close();
  }
}

function used(data: number, metadata: number): Space {
  const totalBytes = 100 * MIB;
  return {
    data: { usedBytes: data * MIB, totalBytes },
    metadata: { usedBytes: metadata * MIB, totalBytes },
  };
}

test('SpaceGuard.check lets pass what leaves just the reserve, and refuses one byte less', () => {
  check(used(90, 90), TENTH);
  const totalBytes = 100 * MIB;
  const short = { data: { usedBytes: 90 * MIB + 1, totalBytes }, metadata: null };
  assert.throws(
    () => check(short, TENTH),
    (error: unknown) => isFault(error, 'no-space'),
  );
  check(short, { kind: 'bytes', bytes: parseBytes(10 * MIB - 1) });
  assert.throws(() => check(short, { kind: 'bytes', bytes: parseBytes(10 * MIB) }), /Cannot make another snapshot/);
});

test('SpaceGuard.check says which space is short, and by the numbers', () => {
  assert.throws(
    () => check(used(95, 0), TENTH),
    /5MiB of 100MiB of data space are free, and min_free_space keeps 10MiB/,
  );
  assert.throws(() => check(used(0, 99), TENTH), /1MiB of 100MiB of metadata space are free/);
});

test('SpaceGuard.check faults with no-space where more is used than there is', () => {
  assert.throws(
    () => check(used(101, 0), TENTH),
    (error: unknown) => isFault(error, 'no-space'),
  );
});

test('SpaceGuard tells of each level once, when it is come to, of data and of metadata', () => {
  const volumes = new FakeVolumes();
  const told: string[] = [];
  volumes.space = used(95, 0);
  const guard = new SpaceGuard(volumes, TENTH, {
    onError: () => undefined,
    onCrossing: ({ what, level, freeBytes, reserveBytes }) =>
      told.push(`${what} ${level} ${freeBytes / MIB} ${reserveBytes / MIB}`),
  });
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

test.run();
