// List's messages: everything once, in order, each no larger than its bound on the wire.

import { create, fromBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Snapshot } from '../../../src/main/catalog/records.ts';
import {
  ListSnapshotsRequestSchema,
  ListSnapshotsResponseSchema,
} from '../../../src/main/rpc/gen/containerd/services/snapshots/v1/snapshots_pb.ts';
import { listRpc, MESSAGE_BYTES } from '../../../src/main/rpc/list.ts';
import { Clock } from '../../../src/main/snapshots/clock.ts';
import type { Context } from '../../../src/main/snapshots/context.ts';
import { type Core, withCore } from '../../support/core.ts';
import { anySnapshot, deviceOf, snapshotOf } from '../../support/records.ts';

const LABEL_BYTES_MAX = 4096;

interface Listed {
  readonly names: string[];
  readonly messageBytes: number[];
}

function listAll(core: Core): Listed {
  const context: Context = { ...core, clock: new Clock() };
  const names: string[] = [];
  const messageBytes: number[] = [];
  for (const message of listRpc(context)(create(ListSnapshotsRequestSchema, {}))) {
    messageBytes.push(message.length);
    for (const { name } of fromBinary(ListSnapshotsResponseSchema, message).info) names.push(name);
  }
  return { names, messageBytes };
}

async function put(core: Core, snapshots: readonly Snapshot[]): Promise<void> {
  await core.catalog.write(snapshots.map((snapshot) => ({ kind: 'put-snapshot', snapshot })));
}

test('listRpc answers every snapshot once, in messages that keep to their size', async () => {
  await withCore(async (core) => {
    const labels = new Map([['a', 'é'.repeat(LABEL_BYTES_MAX / 2)]]);
    const keys = Array.from({ length: 1000 }, (_, index) => `key-${index}`);
    await core.catalog.write([{ kind: 'put-device', device: deviceOf(1) }]);
    await put(
      core,
      keys.map((key) => snapshotOf(key, 1, { labels })),
    );
    const { names, messageBytes } = listAll(core);
    assert.equal(names, keys);
    assert.ok(messageBytes.every((bytes) => bytes <= MESSAGE_BYTES));
    // Some 4 KiB each: fifteen in a message, not one.
    assert.is(messageBytes.length, Math.ceil(1000 / 15));
  });
});

test('listRpc sends what is larger than a message alone, and nothing when there is nothing', async () => {
  await withCore(async (core) => {
    assert.equal(listAll(core), { names: [], messageBytes: [] });
    const labels = new Map([['a', 'x'.repeat(MESSAGE_BYTES)]]);
    await put(core, [snapshotOf('small', 1), snapshotOf('large', 1, { labels }), snapshotOf('last', 1)]);
    const { names, messageBytes } = listAll(core);
    assert.equal(names, ['small', 'large', 'last']);
    assert.is(messageBytes.length, 3);
  });
});

test('listRpc fills its messages to no more than their size, whatever the texts', async () => {
  await withCore(async (core) => {
    await fc.assert(
      fc.asyncProperty(anySnapshot, fc.integer({ min: 0, max: 300 }), async (any, more) => {
        const labels = new Map(any.labels);
        // One more label brings each entry near a third of a message: three fit only if they are taken for smaller than they are.
        labels.set('filler', 'x'.repeat(Math.floor(MESSAGE_BYTES / 3) - more));
        const keys = ['1', '2', '3'].map((name) => `${any.key}${name}`);
        for (const key of keys) core.catalog.tables.apply({ kind: 'put-snapshot', snapshot: { ...any, key, labels } });
        const { names, messageBytes } = listAll(core);
        for (const key of keys) core.catalog.tables.apply({ kind: 'delete-snapshot', key });
        assert.equal(names, keys);
        assert.ok(messageBytes.every((bytes) => bytes <= MESSAGE_BYTES));
      }),
      { numRuns: 40 },
    );
  });
});

test.run();
