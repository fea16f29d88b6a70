// Which pool is believed, and taken for ours; and what is thrown when an origin cannot be resumed after something else failed: the first
// fault, since whose a thin id is depends on it.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FaultError } from '../../../src/shared/faults.ts';
import { parseSectors } from '../../../src/shared/units.ts';
import type { Engine } from '../../../src/workers/devmapper/engine.ts';
import { confirmCommitted, confirmSame, withSuspended } from '../../../src/workers/devmapper/pool.ts';
import { faultOf } from '../../support/faults.ts';

const io = async (): Promise<never> => {
  throw new FaultError('io', 'Cannot ask the kernel: EIO');
};

/** An engine that suspends, and cannot resume. */
const ENGINE: Engine = {
  kind: 'ioctl',
  driverVersion: io,
  list: io,
  info: io,
  create: io,
  remove: io,
  suspend: async () => undefined,
  resume: io,
  reload: io,
  message: io,
  status: io,
  table: io,
};

test('withSuspended() tells of an id that is taken even when the origin cannot be resumed', async () => {
  const fault = await faultOf(
    withSuspended(ENGINE, 'origin', async () => {
      throw new FaultError('thin-id-taken', 'Cannot create: taken');
    }),
  );
  assert.is(fault.code, 'thin-id-taken');
  assert.is(fault.message, 'Cannot create: taken; then: Cannot ask the kernel: EIO');
});

test('withSuspended() tells that the origin cannot be resumed when nothing else failed', async () => {
  assert.is((await faultOf(withSuspended(ENGINE, 'origin', async () => 7))).code, 'io');
});

const SOUND = '40/4096 7/1000 - rw no_discard_passdown error_if_no_space - 1024';
const poolWith = (parameters: string): Engine => ({
  ...ENGINE,
  status: async () => [
    { startSectors: parseSectors(0), lengthSectors: parseSectors(8), target: 'thin-pool', parameters },
  ],
});

for (const [found, parameters] of [
  ['ro', `7 ${SOUND.replace('rw', 'ro')}`],
  ['rw, needs_check', `7 ${SOUND.replace('- 1024', 'needs_check 1024')}`],
  ['fail', 'Fail'],
] as const) {
  test(`confirmCommitted() believes no pool whose mode is ${found}, whatever it has answered`, async () => {
    const fault = await faultOf(confirmCommitted(poolWith(parameters), 'pool', 'commit'));
    assert.is(fault.code, 'pool-unsound');
    assert.match(fault.message, `its mode is ${found}`);
  });
}

test('confirmSame() takes the pool with its tag, and one whose tag is not ours to keep', async () => {
  await confirmSame(poolWith(`7 ${SOUND}`), 'pool', 7);
  await confirmSame(ENGINE, 'pool', null);
});

for (const found of [0, 6, 8]) {
  test(`confirmSame() refuses a pool with transaction id ${found} in the place of one with 7`, async () => {
    const fault = await faultOf(confirmSame(poolWith(`${found} ${SOUND}`), 'pool', 7));
    assert.equal([fault.code, fault.leaves], ['precondition', 'nothing']);
    assert.match(fault.message, new RegExp(`its transaction id is ${found} and must be 7`));
  });
}

test('confirmSame() refuses what is gone, and what is no pool any more, and says that nothing was done', async () => {
  const gone = async (): Promise<never> => {
    throw new FaultError('device-missing', 'Cannot read the status of "pool": ENXIO');
  };
  for (const status of [gone, async () => []]) {
    const fault = await faultOf(confirmSame({ ...ENGINE, status }, 'pool', 7));
    assert.equal([fault.code, fault.leaves], ['precondition', 'nothing']);
    assert.match(fault.message, /it is not there any more/);
  }
});

test.run();
