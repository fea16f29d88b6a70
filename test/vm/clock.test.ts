// The machine's clock is set back by an hour and forward by a year, between calls and in the middle of one: stamps follow it, calls
// neither end too early nor stay, and what waits for its next attempt is tried in time. The guest's clock goes with the guest.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createdNs } from '../e2e/stage.ts';
import { type Daemon, makeDaemon } from '../support/daemon.ts';
import { codeOf } from '../support/grpc-client.ts';
import { withMounted } from '../support/mounting.ts';
import { until } from '../support/until.ts';
import { thinPoolConfig } from './support/daemon.ts';
import { clearDevices, makePool, POOL, removePool } from './support/pool.ts';
import { shell } from './support/shell.ts';

const HOUR_S = 3_600;
const YEAR_S = 365 * 24 * HOUR_S;
/** How long the call lasts in the middle of which the clock is set; less than any limit of ours. */
const CALL_MS = 3_000;
const DELAY = `delay(${CALL_MS})`;
/** The longest pause of what is tried again is 30 s. */
const GONE_LIMIT_MS = 40_000;

const tests = suite('clock');
let daemon: Daemon;

async function setClock(bySeconds: number): Promise<void> {
  await shell('date', '--set', `@${Math.round(Date.now() / 1000) + bySeconds}`);
}

/** Prepares and looks at the stamp: between the clock before the call and after it. */
async function prepared(key: string): Promise<void> {
  const before = BigInt(Date.now());
  await daemon.client.prepare(key, 'layer');
  const stampMs = createdNs(await daemon.client.stat(key)) / 1_000_000n;
  assert.ok(
    stampMs >= before && stampMs <= BigInt(Date.now()),
    `${key} was made at ${stampMs}, asked for at ${before}`,
  );
}

// A test, for uvu says nothing of what a hook throws.
tests('the daemon starts', async () => {
  await makePool();
  daemon = await makeDaemon({
    config: { ...thinPoolConfig('ioctl'), pool_name: POOL, base_image_size: '64MB', standby_per_parent: 0 },
  });
  await daemon.start({ THINSNAP_FAILPOINTS: `prepare.before-record=2*off->1*${DELAY}->1*off->1*${DELAY}` });
  await daemon.client.prepare('first');
  await daemon.client.commit('layer', 'first');
  await prepared('before');
});
tests.after(async () => {
  await daemon.remove();
  await clearDevices();
  await removePool();
});

for (const [what, bySeconds] of [
  ['back by an hour', -HOUR_S],
  ['forward by a year', YEAR_S],
] as const) {
  tests(`a clock that is set ${what} in the middle of a call ends it neither early nor late`, async () => {
    const startMs = performance.now();
    const call = codeOf(daemon.client.prepare(`amid ${what}`, 'layer'));
    await sleep(CALL_MS / 3);
    await setClock(bySeconds);
    assert.is(await codeOf(daemon.client.stat('layer')), 'OK');
    assert.is(await call, 'OK');
    assert.ok(performance.now() - startMs >= CALL_MS * 0.9);
  });

  tests(`stamps follow a clock that was set ${what}`, () => prepared(what));
}

tests('what was busy is tried again in time, though the clock was set meanwhile', async () => {
  const mountRoot = join(daemon.root, 'mnt');
  await mkdir(mountRoot);
  const { client } = daemon;
  await withMounted(mountRoot, await client.mounts('before'), async () => {
    await client.remove('before');
    await setClock(-YEAR_S);
  });
  const gone = async (): Promise<true | null> =>
    (await shell('dmsetup', 'ls')).includes(`${POOL}-snap-3`) ? null : true;
  await until(GONE_LIMIT_MS, gone, () => 'the device stays');
});

tests('a daemon starts with an earlier clock than that of its records, and stamps by it', async () => {
  await daemon.stop();
  await setClock(-HOUR_S);
  await daemon.start();
  await prepared('after');
});

tests.run();
