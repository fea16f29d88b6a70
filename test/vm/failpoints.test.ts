// Failures by plan at every place of the list, in a real daemon on a real thin pool.
// vm: plain pool
//
// THINSNAP_FAILPOINT_VM_RUNS: how many chains of kills, and how many of everything else: two minutes each where the machine is
// emulated. `all`: a kill, a fault, a mistake and a hang at every place, and a kill of the start after each kill; then
// THINSNAP_FAILPOINT_VM_PART, "2/6" say, takes a part.

import { FAILPOINTS } from '../../src/shared/failpoint-names.ts';
import { MIB } from '../../src/shared/units.ts';
import { chainsFor } from '../support/failpoints/plans.ts';
import { failpointSuite } from '../support/failpoints/suite.ts';
import type { Ground } from '../support/failpoints/trial.ts';
import { thinPoolConfig } from './support/daemon.ts';
import { leftovers, strayDevice, tidy } from './support/leftovers.ts';

/** Of pools that are made, brought back or extended; and what the clock alone comes to. */
const ELSEWHERE = /^task\.(?:makeLoopFiles|\w+Pool|poolRoom|poolStatus)\./;

const GROUND: Ground = {
  config: { ...thinPoolConfig('ioctl'), base_image_size: '64MB', discard_blocks: true },
  grownBytes: 80 * MIB,
  hangLimitMs: 90_000,
  leftovers,
  meanwhile: strayDevice,
  tidy,
};

const points = [...FAILPOINTS.common, ...FAILPOINTS.thinPool].filter((point) => !ELSEWHERE.test(point));
failpointSuite(GROUND, chainsFor(points, 'snap-active.suspended=1*kill'), 1);
