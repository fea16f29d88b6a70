// List and Inspect over the socket: what comes back, filters, usage that is asked for, many large snapshots.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Change } from '../../../src/main/catalog/tables.ts';
import { CommandError } from '../../../src/main/cli/command.ts';
import type { AdminClient } from '../../../src/main/cli/daemon/admin-client.ts';
import { Activity, Admin, Kind, type Snapshot } from '../../../src/main/rpc/gen/thinsnap/admin/v1/admin_pb.ts';
import { MIB, parseBytes } from '../../../src/shared/units.ts';
import { withAdmin } from '../../support/admin.ts';
import { deviceOf, pairOf, snapshotOf, viewOf } from '../../support/records.ts';

const test = suite('admin list');

const NEVER = new AbortController().signal;

async function list(client: AdminClient, request: { filters?: string[]; withLabels?: boolean; withUsage?: boolean }) {
  const messages: Snapshot[][] = [];
  for await (const { snapshots } of client.stream(Admin.method.list, request, NEVER)) messages.push(snapshots);
  return messages;
}

const FAMILY: readonly Change[] = [
  { kind: 'put-device', device: deviceOf(1, { mappedBytes: parseBytes(5 * MIB) }) },
  {
    kind: 'put-snapshot',
    snapshot: snapshotOf('layer', 1, { usageBytes: parseBytes(3 * MIB), labels: new Map([['__proto__', 'kept']]) }),
  },
  {
    kind: 'put-device',
    device: deviceOf(2, {
      state: 'Activated',
      originId: deviceOf(1).id,
      baselineBytes: parseBytes(5 * MIB),
      mappedBytes: parseBytes(6 * MIB),
    }),
  },
  { kind: 'put-snapshot', snapshot: { ...snapshotOf('active', 2, { parent: 'layer' }), kind: 'active', idMap: null } },
  { kind: 'put-snapshot', snapshot: viewOf('view', 1, 'layer') },
];

test('list gives every snapshot with what is known of it, labels only when asked', async () => {
  await withAdmin(async ({ client, core }) => {
    await core.catalog.write(FAMILY);
    const [found = []] = await list(client, {});
    assert.equal(
      found.map(({ name, kind, parent, usageBytes, children }) => [name, kind, parent, usageBytes, children]),
      [
        ['layer', Kind.COMMITTED, '', BigInt(3 * MIB), 2n],
        ['active', Kind.ACTIVE, 'layer', undefined, 0n],
        ['view', Kind.VIEW, 'layer', 0n, 0n],
      ],
    );
    assert.equal(
      found.map(({ labels }) => Object.keys(labels).length),
      [0, 0, 0],
    );
    const [labelled = []] = await list(client, { withLabels: true, filters: ['name==layer'] });
    assert.equal(
      labelled.map(({ labels }) => Object.entries(labels)),
      [[['__proto__', 'kept']]],
    );
  });
});

test('list asks for the usage of active snapshots only when it is wanted', async () => {
  await withAdmin(async ({ client, core }) => {
    await core.catalog.write(FAMILY);
    const [found = []] = await list(client, { withUsage: true, filters: ['kind==active'] });
    assert.equal(
      found.map(({ usageBytes }) => usageBytes),
      [BigInt(MIB)],
    );
  });
});

test('list answers a filter that does not parse with exit status 2 and the place', async () => {
  await withAdmin(async ({ client }) => {
    const error = await list(client, { filters: ['name=='] }).catch((caught: unknown) => caught);
    assert.instance(error, CommandError);
    assert.is(error instanceof CommandError && error.exitStatus, 2);
  });
});

test('list cuts its messages by size, so that many large labels pass', async () => {
  await withAdmin(async ({ client, core }) => {
    const labels = new Map(Array.from({ length: 100 }, (_, index) => [`label-${index}`, 'x'.repeat(4000)]));
    const changes: Change[] = [{ kind: 'put-device', device: deviceOf(1) }];
    for (let index = 0; index < 60; index += 1) {
      changes.push({ kind: 'put-snapshot', snapshot: { ...viewOf(`view-${index}`, 1, 'layer'), labels } });
    }
    await core.catalog.write(changes);
    const messages = await list(client, { withLabels: true });
    assert.ok(messages.length >= 30, `${messages.length} messages for 24 MB`);
    assert.is(messages.flat().length, 60);
  });
});

test('inspect gives device, parents, children and mount', async () => {
  await withAdmin(async ({ client, core }) => {
    await core.catalog.write(FAMILY);
    const active = await client.call(Admin.method.inspect, { key: 'active', withUsage: true });
    assert.is(active.snapshot?.usageBytes, BigInt(MIB));
    assert.equal(active.ancestors, ['layer']);
    assert.equal([active.mount?.type, active.mount?.source, active.mount?.options], ['ext4', '/dev/2', ['rw']]);
    assert.equal([active.device?.thinId, active.device?.originId, active.device?.state], [2, 1n, 'Activated']);
    assert.is(active.device?.activity, Activity.NONE);
    const layer = await client.call(Admin.method.inspect, { key: 'layer' });
    assert.equal(layer.children.toSorted(), ['active', 'view']);
    assert.is(layer.mount, undefined);
    assert.equal(Object.entries(layer.snapshot?.labels ?? {}), [['__proto__', 'kept']]);
  });
});

test('inspect of an active snapshot asks the kernel nothing unless usage is wanted', async () => {
  await withAdmin(async ({ client, core }) => {
    await core.catalog.write(FAMILY);
    const { snapshot } = await client.call(Admin.method.inspect, { key: 'active' });
    assert.is(snapshot?.usageBytes, undefined);
    assert.equal(core.volumes.calls, []);
  });
});

test('inspect answers NOT_FOUND with exit status 4', async () => {
  await withAdmin(async ({ client }) => {
    const error = await client.call(Admin.method.inspect, { key: 'none' }).catch((caught: unknown) => caught);
    assert.is(error instanceof CommandError && error.exitStatus, 4);
  });
});

test('inspect cuts the names of children that would not fit a message', async () => {
  await withAdmin(async ({ client, core }) => {
    const changes: Change[] = pairOf('layer', 1);
    for (let index = 0; index < 40; index += 1) {
      const key = `${index}-${'k'.repeat(20_000)}`;
      changes.push({ kind: 'put-snapshot', snapshot: viewOf(key, 1, 'layer') });
    }
    await core.catalog.write(changes);
    const { snapshot, children } = await client.call(Admin.method.inspect, { key: 'layer' });
    assert.is(snapshot?.children, 40n);
    assert.ok(children.length > 0 && children.length < 40, `${children.length} names`);
  });
});

test.run();
