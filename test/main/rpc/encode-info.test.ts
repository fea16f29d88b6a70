// Snapshots as bytes are, byte for byte, what the generated messages make of them.

import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeInfos, infoFieldBytes } from '../../../src/main/rpc/encode-info.ts';
import {
  ListSnapshotsResponseSchema,
  StatSnapshotResponseSchema,
} from '../../../src/main/rpc/gen/containerd/services/snapshots/v1/snapshots_pb.ts';
import { toInfo } from '../../../src/main/rpc/info.ts';
import { anySnapshot, snapshotOf } from '../../support/records.ts';

test('encodeInfos() writes a ListSnapshotsResponse as the generated messages do, whatever the snapshots hold', () => {
  fc.assert(
    fc.property(fc.array(anySnapshot), (snapshots) => {
      const message = create(ListSnapshotsResponseSchema, { info: snapshots.map(toInfo) });
      const bytes = encodeInfos(snapshots);
      assert.equal(fromBinary(ListSnapshotsResponseSchema, bytes), message);
      // Labels that are named like numbers come first in an object, whose order the messages follow; ours is the Map's.
      assert.is(bytes.length, toBinary(ListSnapshotsResponseSchema, message).length);
      assert.is(
        bytes.length,
        snapshots.map(infoFieldBytes).reduce((sum, size) => sum + size, 0),
      );
    }),
    { numRuns: 300 },
  );
});

test('encodeInfos() writes a StatSnapshotResponse byte for byte as the generated message does', () => {
  const seconds = [0n, 1n, 127n, 128n, 1_700_000_000n, 2n ** 53n - 1n, -1n, -62_135_596_800n];
  const texts = ['', 'x', 'x'.repeat(127), 'x'.repeat(128), 'é'.repeat(64), '😀'.repeat(5_000), 'a\0b'];
  for (const at of seconds) {
    for (const text of texts) {
      const labels = new Map([
        ['', text],
        ['name', ''],
        [`long ${text}`, text],
      ]);
      const createdAt = { seconds: at, nanos: 999_999_999 };
      const snapshot = snapshotOf(text, 1, { parent: text, labels, createdAt, updatedAt: { seconds: at, nanos: 0 } });
      const message = create(StatSnapshotResponseSchema, { info: toInfo(snapshot) });
      assert.ok(encodeInfos([snapshot]).equals(toBinary(StatSnapshotResponseSchema, message)), `${at} ${text.length}`);
    }
  }
});

test.run();
