// Room for the catalog's log: each log once, and again what failed.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { TaskPool } from '../../../src/main/task-pool.ts';
import { LogReserve } from '../../../src/main/upkeep/log-reserve.ts';
import { FaultError } from '../../../src/shared/faults.ts';
import { withScratch } from '../../support/scratch.ts';

interface Ground {
  readonly reserve: LogReserve;
  /** Paths under the directory, in the order of the tasks. */
  readonly reserved: string[];
  readonly told: string[];
  /** How the next tasks end. */
  end: () => Promise<boolean>;
  readonly log: (name: string) => Promise<void>;
}

async function withReserve(action: (ground: Ground) => Promise<void>): Promise<void> {
  await withScratch(async (root) => {
    const directory = join(root, 'catalog');
    await mkdir(directory);
    const reserved: string[] = [];
    const told: string[] = [];
    const run = (_task: string, { path }: { path: string }): Promise<boolean> => {
      reserved.push(path.slice(directory.length + 1));
      return ground.end();
    };
    const reserve = new LogReserve({
      directory,
      tasks: { run } as unknown as Pick<TaskPool, 'run'>,
      onError: (found) => void told.push(found),
    });
    const ground: Ground = {
      reserve,
      reserved,
      told,
      end: async () => true,
      log: (name) => writeFile(join(directory, name), ''),
    };
    await action(ground);
  });
}

test('LogReserve.keep gives the newest log its blocks, and each one once', async () => {
  await withReserve(async ({ reserve, reserved, told, log }) => {
    await reserve.keep();
    for (const name of ['000003.log', '999999.log', 'LOG', '000099.ldb']) await log(name);
    await Promise.all([reserve.keep(), reserve.keep()]);
    await reserve.keep();
    await log('1000000.log');
    await reserve.keep();
    assert.equal(reserved, ['999999.log', '1000000.log']);
    assert.equal(told, []);
  });
});

test('LogReserve.keep tries again what failed, and tells of it once until it goes well', async () => {
  await withReserve(async (ground) => {
    const { reserve, reserved, told, log } = ground;
    await log('000003.log');
    const failures: (() => Promise<boolean>)[] = [
      async () => false,
      () => Promise.reject(new FaultError('timeout', 'Cannot reserve: out of time')),
    ];
    for (const failure of failures) {
      ground.end = failure;
      for (let times = 0; times < 2; times += 1) await reserve.keep();
      assert.equal(told.length, 1);
    }
    ground.end = async () => true;
    await reserve.keep();
    await log('000004.log');
    ground.end = async () => false;
    await reserve.keep();
    assert.equal(told.length, 2);
    assert.equal(reserved.length, 6);
  });
});

test.run();
