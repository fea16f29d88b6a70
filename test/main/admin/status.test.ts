// Status over the socket: every figure against what is there.

import { lstat } from 'node:fs/promises';
import { create } from '@bufbuild/protobuf';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Admin, ExtensionSchema, Health, PoolMode } from '../../../src/main/rpc/gen/thinsnap/admin/v1/admin_pb.ts';
import { parseSectors } from '../../../src/shared/units.ts';
import { type Admin as Served, STARTED_AT, withAdmin } from '../../support/admin.ts';
import { FakeGrowth } from '../../support/fake-growth.ts';
import { deviceOf, pairOf, snapshotOf, viewOf } from '../../support/records.ts';

const test = suite('admin status');

const POOL = {
  kind: 'thin-pool',
  poolName: 'vg-pool',
  blockBytes: 65_536,
  status: {
    mode: 'rw',
    needsCheck: false,
    whenFull: 'error',
    transactionId: 42,
    usedMetadataBlocks: 1,
    totalMetadataBlocks: 2,
    usedDataBlocks: 3,
    totalDataBlocks: 4,
  },
  engine: 'ioctl',
  driverVersion: '4.48.0',
  makeup: { kind: 'loop', dir: '/p', uuid: 'u', blockSectors: parseSectors(128), features: [] },
} as const;

async function fill({ core }: Served): Promise<void> {
  await core.catalog.write([
    ...pairOf('layer', 1),
    { kind: 'put-snapshot', snapshot: viewOf('view', 1, 'layer') },
    { kind: 'put-device', device: deviceOf(2, { state: 'Activated' }) },
    { kind: 'put-snapshot', snapshot: { ...snapshotOf('active', 2), kind: 'active', idMap: null } },
    { kind: 'put-device', device: deviceOf(3, { purpose: { kind: 'base', fsOptions: [] } }) },
    { kind: 'put-device', device: deviceOf(4, { state: 'Removing' }) },
  ]);
}

test('status counts snapshots by kind and devices by state, and has standby and the reaper', async () => {
  await withAdmin(async (admin) => {
    await fill(admin);
    const status = await admin.client.call(Admin.method.status, {});
    const { snapshots, devices, standby, reaper } = status;
    assert.equal([snapshots?.committed, snapshots?.active, snapshots?.views], [1n, 1n, 1n]);
    assert.equal([devices?.total, devices?.bases], [4n, 1n]);
    assert.equal(
      devices?.states.map(({ state, count }) => [state, count]),
      [
        ['Activated', 1n],
        ['Deactivated', 2n],
        ['Removing', 1n],
      ],
    );
    assert.equal([standby?.ready, standby?.wanted, standby?.hits, standby?.misses], [3n, 4n, 70n, 5n]);
    assert.equal([standby?.parentLimit, standby?.totalLimit], [8n, 64n]);
    assert.is(reaper?.queue, 0n);
  });
});

test('status tells of the daemon, of its pool and of what new snapshots get', async () => {
  await withAdmin(async ({ client, core, address }) => {
    core.volumes.facts = POOL;
    core.volumes.growth = new FakeGrowth(core.volumes, { roomBytes: 0, failure: null });
    core.volumes.space = { data: { usedBytes: 900, totalBytes: 1000 }, metadata: null };
    await core.extender.keepUp();
    const { daemon, volumes, newSnapshots } = await client.call(Admin.method.status, {});
    assert.is(daemon?.version, '1.2.3');
    assert.is(daemon?.pid, process.pid);
    assert.equal([daemon?.startedAt?.seconds, daemon?.startedAt?.nanos], [STARTED_AT.seconds, STARTED_AT.nanos]);
    assert.is(daemon?.adminAddress, address);
    assert.is(volumes?.description, 'volumes of nothing');
    assert.is(volumes?.kind.case, 'thinPool');
    const { $typeName, ...pool } = volumes?.kind.case === 'thinPool' ? volumes.kind.value : { $typeName: '' };
    assert.is($typeName, 'thinsnap.admin.v1.ThinPool');
    assert.equal(pool, {
      name: 'vg-pool',
      blockBytes: 65_536n,
      mode: PoolMode.READ_WRITE,
      needsCheck: false,
      transactionId: 42n,
      engine: 'ioctl',
      driverVersion: '4.48.0',
      extension: create(ExtensionSchema, {
        madeOf: 'loop',
        parts: ['/p/data', '/p/metadata'],
        thresholdPercent: 80,
        percent: 20,
        lastFailure: "The pool's data space cannot be extended: nothing is left",
      }),
    });
    assert.equal([newSnapshots?.sizeBytes, newSnapshots?.fsType], [10n * 2n ** 30n, 'ext4']);
  });
});

test('status has used, total, available and reserve, and metadata only where there is some', async () => {
  await withAdmin(async ({ client, core }) => {
    core.volumes.space = {
      data: { usedBytes: 400, totalBytes: 1000 },
      metadata: { usedBytes: 150, totalBytes: 200 },
    };
    const { data, metadata, minFreeSpace, health } = await client.call(Admin.method.status, {});
    assert.equal(
      [data?.usedBytes, data?.totalBytes, data?.availableBytes, data?.reserveBytes],
      [400n, 1000n, 600n, 100n],
    );
    assert.equal([metadata?.availableBytes, metadata?.reserveBytes], [50n, 20n]);
    assert.is(minFreeSpace, '10%');
    assert.is(health, Health.OK);
    core.volumes.space = { data: { usedBytes: 1100, totalBytes: 1000 }, metadata: null };
    const full = await client.call(Admin.method.status, {});
    assert.is(full.data?.availableBytes, 0n);
    assert.is(full.metadata, undefined);
    assert.is(full.health, Health.ERROR);
    assert.is(full.problems[0]?.code, 'data-short');
  });
});

test('the admin socket is for its owner alone', async () => {
  await withAdmin(async ({ address }) => {
    assert.is((await lstat(address)).mode & 0o777, 0o600);
  });
});

test.run();
