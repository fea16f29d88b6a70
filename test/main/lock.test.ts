// The lock on a root path: one holder, named to whoever comes second, and gone with its holder.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { takeLock } from '../../src/main/lock.ts';
import { faultOf } from '../support/faults.ts';
import { withNodeChild } from '../support/node-child.ts';
import { withScratch } from '../support/scratch.ts';

const LOCK_MODULE = new URL('../../src/main/lock.js', import.meta.url).href;

test('takeLock refuses a second holder of the same process, and lets the next one in after release', async () => {
  await withScratch(async (dir) => {
    const lock = await takeLock(`${dir}/new/lock`, 'this root');
    const fault = await faultOf(takeLock(`${dir}/new/lock`, 'this root'));
    assert.is(fault.code, 'unavailable');
    assert.is(fault.message, `Cannot use this root: process ${process.pid} has it. Stop that thinsnapd first`);
    await lock.release();
    await (await takeLock(`${dir}/new/lock`, 'this root')).release();
  });
});

test('takeLock names the process that has the lock, and takes it over once that was killed', async () => {
  await withScratch(async (dir) => {
    const script = `
      import { takeLock } from ${JSON.stringify(LOCK_MODULE)};
      await takeLock(process.argv[1], 'this root');
      process.stdout.write('held\\n');
      setInterval(() => undefined, 60_000);`;
    await withNodeChild(script, [dir], async (child) => {
      await child.nextLine();
      const fault = await faultOf(takeLock(dir, 'this root'));
      assert.is(fault.code, 'unavailable');
      assert.match(fault.message, new RegExp(`process ${child.pid} has it`));
      await child.kill();
      await (await takeLock(dir, 'this root')).release();
    });
  });
});

test.run();
