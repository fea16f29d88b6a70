// Which volumes are opened: those that the snapshots are on, or none.

import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Catalog } from '../../../src/main/catalog/catalog.ts';
import type { Config } from '../../../src/main/config/config.ts';
import { TaskPool, UNWATCHED } from '../../../src/main/task-pool.ts';
import { type OpenOptions, openVolumes } from '../../../src/main/volumes/open-volumes.ts';
import { GIB, parseBytes } from '../../../src/shared/units.ts';
import { faultOf } from '../../support/faults.ts';
import { pairOf } from '../../support/records.ts';
import { withScratch } from '../../support/scratch.ts';

function configOf(rootPath: string, volumes: Config['volumes']): Config {
  return {
    rootPath,
    address: join(rootPath, 'socket'),
    adminAddress: join(rootPath, 'admin'),
    socketMode: '0600',
    socketGroup: null,
    logLevel: 'fatal',
    volumes,
    poolName: null,
    poolDirectory: join(rootPath, 'pools'),
    deviceWaitSeconds: 0,
    engine: 'auto',
    workers: 1,
    baseImageSize: parseBytes(GIB),
    fsType: 'ext4',
    fsOptions: [],
    mountOptions: [],
    asyncRemove: true,
    discardBlocks: false,
    minFreeSpace: { kind: 'percent', percent: 0 },
    autoextendThreshold: 100,
    autoextendPercent: 20,
    standbyPerParent: 0,
    standbyTotal: 0,
    xfsNospaceMaxRetries: 0,
  };
}

async function withOptions(action: (options: OpenOptions) => Promise<void>): Promise<void> {
  await withScratch(async (root) => {
    const catalog = await Catalog.open(root);
    const tasks = await TaskPool.open({
      engine: 'auto',
      workers: 1,
      ...UNWATCHED,
    });
    try {
      await action({
        config: configOf(root, 'blockfile'),
        catalog,
        tasks,
        log: pino({ enabled: false }),
        unclean: false,
        signal: new AbortController().signal,
        onForeignThinId: () => undefined,
      });
    } finally {
      await tasks.close();
      await catalog.close();
    }
  });
}

test('openVolumes remembers its choice and refuses another one afterwards', async () => {
  await withOptions(async (options) => {
    await (await openVolumes(options)).close();
    assert.equal(options.catalog.identity, { kind: 'blockfile' });
    const config = configOf(options.config.rootPath, 'thin-pool');
    assert.is((await faultOf(openVolumes({ ...options, config }))).code, 'precondition');
  });
});

test('openVolumes refuses a catalog that has devices and has lost what they are on, and makes nothing', async () => {
  await withOptions(async (options) => {
    await options.catalog.write(pairOf('a', 1));
    assert.is((await faultOf(openVolumes(options))).code, 'io');
    assert.is(options.catalog.identity, null);
    assert.is(await stat(join(options.config.rootPath, 'volumes')).catch(() => null), null);
  });
});

test('openVolumes refuses block files that a new catalog does not know, and deletes none', async () => {
  await withOptions(async (options) => {
    const file = join(options.config.rootPath, 'volumes', '7.img');
    await mkdir(join(options.config.rootPath, 'volumes'));
    await writeFile(file, 'somebody’s');
    const fault = await faultOf(openVolumes(options));
    assert.is(fault.code, 'precondition');
    assert.match(fault.message, /thinsnap catalog restore/);
    assert.is(await readFile(file, 'utf8'), 'somebody’s');
  });
});

test('openVolumes refuses a catalog of a configured pool that is configured no more, and makes none', async () => {
  await withOptions(async (options) => {
    await options.catalog.setIdentity({
      kind: 'thin-pool',
      poolName: 'vg0-pool',
      poolUuid: 'LVM-x',
      tag: null,
      tagged: false,
      starts: 0,
      dataBlockSectors: 128,
      foreignThinIds: [],
    });
    const config = configOf(options.config.rootPath, 'auto');
    const fault = await faultOf(openVolumes({ ...options, config }));
    assert.is(fault.code, 'precondition');
    assert.match(fault.message, /vg0-pool/);
    assert.is(await stat(join(options.config.rootPath, 'pool')).catch(() => null), null);
  });
});

test.run();
