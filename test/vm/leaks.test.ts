// Calls, connections and failures leave nothing on a thin pool either: no device and no thin id beside all else.
// vm: plain pool
//
// THINSNAP_LEAKS_VM_CALLS: calls of each kind, and connections.

import * as assert from 'uvu/assert';
import { leaksOf } from '../e2e/hostile/leaks.ts';
import { type Stage, stageSuite } from '../e2e/stage.ts';
import { removeAll } from '../support/clearing.ts';
import { startDaemon } from '../support/daemon.ts';
import { thinPoolConfig } from './support/daemon.ts';
import { leftovers } from './support/leftovers.ts';

const { THINSNAP_LEAKS_VM_CALLS: calls = '10' } = process.env;

function pool(stage: Stage): void {
  stage.test('the base alone has a thin id when all snapshots are removed, and no device is active', async () => {
    await removeAll(stage.client);
    assert.equal(await leftovers(), []);
  });
}

const makeDaemon = () => startDaemon({ config: { ...thinPoolConfig('ioctl'), base_image_size: '64MB' } });
stageSuite('leaks, thin-pool', makeDaemon, [
  leaksOf({ calls: Number(calls), connections: Number(calls), warmUp: 32, scope: 'machine' }),
  pool,
]);
