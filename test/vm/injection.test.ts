// What clients send reaches no command line, no path and no device-mapper table, where each device is made by a dmsetup command.
// vm: plain pool
//
// THINSNAP_INJECTION_VM=all: every odd text, and a hundred drawn of them.

import { injectionOf, PIECES } from '../e2e/hostile/injection.ts';
import { type Stage, stageSuite } from '../e2e/stage.ts';
import { startDaemon } from '../support/daemon.ts';
import { thinPoolConfig } from './support/daemon.ts';

const { THINSNAP_INJECTION_VM: wanted = '' } = process.env;
/** What a table and a shell would make something of: strace stops at each system call, which takes long here. */
const FEW = PIECES.filter((piece) => /^(1 0\n|\$)/.test(piece));

function base(stage: Stage): void {
  stage.test('there is a base before strace slows down all that makes one', async () => {
    const key = stage.key();
    await stage.client.prepare(key);
    await stage.client.remove(key);
  });
}

const makeDaemon = () => startDaemon({ config: { ...thinPoolConfig('dmsetup'), base_image_size: '64MB' } });
const topic = wanted === 'all' ? injectionOf(PIECES, 100) : injectionOf(FEW, 0);
stageSuite('injection, thin-pool, dmsetup', makeDaemon, [base, topic]);
