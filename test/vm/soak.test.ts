// A daemon on a real thin pool, four fifths of which are in use, that starts and drops containers for a long time, and is killed
// once in a thousand; each second time power fails instead.
// vm: plain THINSNAP_TEST_POOL=thinsnap-test-pool
//
// THINSNAP_SOAK_VM_LOOPS: containers. THINSNAP_SOAK_VM_ROUND: in how many of them it is killed once, or power fails.
// THINSNAP_SOAK_SEED brings back what was drawn, though not its order.

import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Daemon } from '../support/daemon.ts';
import { withMounted } from '../support/mounting.ts';
import { soakOn } from '../support/soak/suite.ts';
import { thinPoolConfig } from './support/daemon.ts';
import { heldIds } from './support/held-ids.ts';
import { leftovers } from './support/leftovers.ts';
import { poolLine } from './support/pool-line.ts';
import { PoweredPool } from './support/powered-pool.ts';
import { shell } from './support/shell.ts';

const {
  THINSNAP_SOAK_VM_LOOPS: loops = '40',
  THINSNAP_SOAK_VM_ROUND: roundLoops = '1000',
  THINSNAP_SOAK_SEED: seed = String(Date.now() % 1e6),
} = process.env;
/** Filled within seconds. */
const SIZE = { metadataMib: 16, dataMib: 256 };
const USED_PERCENT = 80;
const FILE_MIB = 8;

test(`${loops} containers come and go, seed ${seed}`, async () => {
  const pool = await PoweredPool.make(SIZE);
  const ground = {
    // Larger than what is written to one: another size by a label has another base, and only one may be left.
    config: { ...thinPoolConfig('ioctl'), root_path: pool.rootPath, base_image_size: '256MB' },
    furnish: fill,
    held: () => heldIds(),
    leftovers,
    tidy: () => pool.remove(),
    power: pool,
  };
  await soakOn(ground, { loops: Number(loops), roundLoops: Number(roundLoops) }, Number(seed));
});
test.run();

/** A snapshot that keeps the pool so full, all the time. */
async function fill({ client, root }: Daemon): Promise<void> {
  await withMounted(root, await client.prepare('ballast'), async (dir) => {
    for (let file = 0; (await usedPercent()) < USED_PERCENT; file += 1) {
      const out = [`of=${join(dir, String(file))}`, 'bs=1M', `count=${FILE_MIB}`, 'oflag=direct'];
      await shell('dd', 'if=/dev/zero', 'status=none', ...out);
    }
  });
  process.stdout.write(`${Math.round(await usedPercent())} % of the pool are in use\n`);
}

async function usedPercent(): Promise<number> {
  const { usedBytes, freeBytes } = await poolLine();
  assert.ok(freeBytes >= 0 && usedBytes + freeBytes > 0, `the pool has ${usedBytes} bytes and ${freeBytes} more`);
  return (100 * usedBytes) / (usedBytes + freeBytes);
}
