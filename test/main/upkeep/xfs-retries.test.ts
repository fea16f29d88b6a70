// Limits for xfs in a folder that looks like sysfs.

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { XfsRetries } from '../../../src/main/upkeep/xfs-retries.ts';
import { withScratch } from '../../support/scratch.ts';

interface Sys {
  readonly retries: XfsRetries;
  readonly errors: string[];
  readonly mount: (device: string, uuid: string) => Promise<void>;
  readonly unmount: (device: string) => Promise<void>;
  readonly limitOf: (device: string) => Promise<string>;
}

async function withSys(action: (sys: Sys) => Promise<void>): Promise<void> {
  await withScratch(async (sysRoot) => {
    const errors: string[] = [];
    const limitPath = (device: string): string => join(sysRoot, 'fs/xfs', device, 'error/metadata/ENOSPC/max_retries');
    const onError = (device: string): number => errors.push(device);
    const retries = new XfsRetries({ maxRetries: 3, uuidPrefix: 'thinsnap-ours-', onError, sysRoot });
    try {
      await action({
        retries,
        errors,
        mount: async (device, uuid) => {
          await mkdir(join(sysRoot, 'block', device, 'dm'), { recursive: true });
          await writeFile(join(sysRoot, 'block', device, 'dm/uuid'), `${uuid}\n`);
          await mkdir(join(sysRoot, 'fs/xfs', device, 'error/metadata/ENOSPC'), { recursive: true });
          await writeFile(limitPath(device), '-1\n');
        },
        unmount: (device) => rm(join(sysRoot, 'fs/xfs', device), { recursive: true }),
        limitOf: async (device) => (await readFile(limitPath(device), 'utf8')).trim(),
      });
    } finally {
      await retries.close();
    }
  });
}

test('XfsRetries has no trouble where no xfs was ever mounted', async () => {
  await withSys(async ({ retries, errors }) => {
    await retries.look();
    assert.equal(errors, []);
  });
});

test('XfsRetries sets the limit of our devices and of nobody else’s', async () => {
  await withSys(async ({ retries, mount, limitOf }) => {
    await mount('dm-1', 'thinsnap-ours-1');
    await mount('dm-2', 'LVM-root');
    await mount('sda1', 'thinsnap-ours-3');
    await retries.look();
    assert.equal(await Promise.all(['dm-1', 'dm-2', 'sda1'].map(limitOf)), ['3', '-1', '-1']);
  });
});

test('XfsRetries sets the limit again after another mount, and leaves one alone that somebody changed', async () => {
  await withSys(async ({ retries, mount, unmount, limitOf }) => {
    await mount('dm-1', 'thinsnap-ours-1');
    await retries.look();
    await mount('dm-1', 'thinsnap-ours-1');
    await retries.look();
    assert.is(await limitOf('dm-1'), '-1');
    await unmount('dm-1');
    await retries.look();
    await mount('dm-1', 'thinsnap-ours-9');
    await retries.look();
    assert.is(await limitOf('dm-1'), '3');
  });
});

test('XfsRetries tells once of a limit that cannot be set', async () => {
  await withSys(async ({ retries, mount, unmount, errors }) => {
    await mount('dm-1', 'thinsnap-ours-1');
    await unmount('dm-1/error');
    await retries.look();
    await retries.look();
    assert.equal(errors, ['dm-1']);
  });
});

test.run();
