// The clock against a machine whose true time the test knows, and once against the real one.

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Clock, type TimeSources, type Timestamp } from '../../../src/main/snapshots/clock.ts';

const MS = 1_000_000n;
const START_NS = 1_700_000_000_123_456_789n;
/** What one look at a clock takes on the pretended machine. */
const LOOK_NS = 70n;

/** A machine whose wall clock can be set, and which can stand still between two looks. */
class Machine implements TimeSources {
  wallNs = START_NS;
  upNs = 5_000_000_000n;

  pass(ns: bigint): void {
    this.wallNs += ns;
    this.upNs += ns;
  }

  wallMs(): number {
    this.pass(LOOK_NS);
    return Number(this.wallNs / MS);
  }

  monotonicNs(): bigint {
    this.pass(LOOK_NS);
    return this.upNs;
  }
}

function toNs({ seconds, nanos }: Timestamp): bigint {
  return seconds * 1_000_000_000n + BigInt(nanos);
}

/** How late a stamp is, by the machine's own clock when it was asked for; negative: too early. */
function latenessNs(machine: Machine, clock: Clock): bigint {
  const calledNs = machine.wallNs;
  return toNs(clock.now()) - calledNs;
}

function assertWithin(value: bigint, [low, high]: readonly [bigint, bigint]): void {
  assert.ok(value >= low && value <= high, `${value} is not in ${low}..${high}`);
}

test('now() is exact to a few looks at the clock when the machine keeps its time', () => {
  fc.assert(
    fc.property(fc.array(fc.bigInt(0n, 30_000_000_000n)), (pauses) => {
      const machine = new Machine();
      const clock = new Clock(machine);
      for (const pause of pauses) {
        machine.pass(pause);
        assertWithin(latenessNs(machine, clock), [0n, 5n * LOOK_NS]);
      }
    }),
  );
});

test('now() is never early and at most a millisecond late when the machine was set, forward or back', () => {
  const step = fc.oneof(fc.bigInt(2n * MS, 4_000_000n * MS), fc.bigInt(-4_000_000n * MS, -2n * MS));
  const pause = fc.bigInt(0n, 5n * MS);
  fc.assert(
    fc.property(fc.array(fc.tuple(step, fc.array(pause, { minLength: 1 }))), (turns) => {
      const machine = new Machine();
      const clock = new Clock(machine);
      for (const [stepNs, pauses] of turns) {
        machine.wallNs += stepNs;
        for (const pauseNs of pauses) {
          machine.pass(pauseNs);
          assertWithin(latenessNs(machine, clock), [0n, MS + 3n * LOOK_NS]);
        }
      }
    }),
  );
});

test('now() grows exact again when calls go on after the machine was set', () => {
  const machine = new Machine();
  const clock = new Clock(machine);
  machine.wallNs += 3_600_000n * MS;
  for (let call = 0; call < 20_000; call += 1) clock.now();
  assertWithin(latenessNs(machine, clock), [0n, 6n * LOOK_NS]);
});

test('now() recovers when the thread was held up between two looks', () => {
  const machine = new Machine();
  const clock = new Clock(machine);
  const heldUp = machine.wallMs.bind(machine);
  machine.wallMs = () => {
    machine.pass(50n * MS);
    return heldUp();
  };
  assertWithin(latenessNs(machine, clock), [0n, 50n * MS + MS]);
  machine.wallMs = heldUp;
  assertWithin(latenessNs(machine, clock), [0n, MS + 3n * LOOK_NS]);
});

for (const heldUpAtTick of [1, 2, 3]) {
  test(`now() is exact from the first call when the thread was held up at tick ${heldUpAtTick} of the start`, () => {
    const machine = new Machine();
    const look = machine.wallMs.bind(machine);
    let ticks = 0;
    let lastMs = Number(machine.wallNs / MS);
    machine.wallMs = () => {
      const isTick = Number((machine.wallNs + LOOK_NS) / MS) > lastMs;
      if (isTick) ticks += 1;
      if (isTick && ticks === heldUpAtTick) machine.pass(20n * MS);
      lastMs = look();
      return lastMs;
    };
    const clock = new Clock(machine);
    assert.ok(ticks >= heldUpAtTick);
    assertWithin(latenessNs(machine, clock), [0n, 5n * LOOK_NS]);
  });
}

test('Clock starts when the wall clock stands still', () => {
  const clock = new Clock({ wallMs: () => 1_234, monotonicNs: () => 77n });
  assert.is(toNs(clock.now()) / MS, 1_234n);
});

test('now() agrees with Date.now() and tells calls apart when it runs on the real machine', () => {
  const clock = new Clock();
  const before = BigInt(Date.now()) * MS;
  const stamps = Array.from({ length: 1000 }, () => toNs(clock.now()));
  const after = BigInt(Date.now() + 2) * MS;
  for (const stamp of stamps) assertWithin(stamp, [before, after]);
  assert.ok(new Set(stamps).size > 900);
  assert.ok(stamps.some((stamp) => stamp % 1000n !== 0n));
});

test.run();
