// What messages cost to read and to write; beside what Stat and List write, what generated messages would take for it.

import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { encodeInfos } from '../../src/main/rpc/encode-info.ts';
import {
  ListSnapshotsResponseSchema,
  MountsResponseSchema,
  PrepareSnapshotRequestSchema,
  StatSnapshotRequestSchema,
  StatSnapshotResponseSchema,
} from '../../src/main/rpc/gen/containerd/services/snapshots/v1/snapshots_pb.ts';
import { toInfo } from '../../src/main/rpc/info.ts';
import { nodeRecords } from '../node-records.ts';
import { runBench } from './run-bench.ts';

const SNAPSHOTS = 1_000;

const snapshots = [...nodeRecords(SNAPSHOTS)].map((record) => record.snapshot);
const [snapshot] = snapshots;
if (snapshot === undefined) throw new Error('There are no snapshots');
const { key, parent, labels } = snapshot;
const prepare = toBinary(
  PrepareSnapshotRequestSchema,
  create(PrepareSnapshotRequestSchema, { snapshotter: 'thinsnap', key, parent, labels: Object.fromEntries(labels) }),
);
const stat = toBinary(StatSnapshotRequestSchema, create(StatSnapshotRequestSchema, { snapshotter: 'thinsnap', key }));
const mounts = [{ type: 'ext4', source: '/dev/mapper/pool-thinsnap-7', options: ['rw', 'discard'] }];

await runBench({
  'decode a Prepare, 4 labels': () => fromBinary(PrepareSnapshotRequestSchema, prepare),
  'decode a Stat': () => fromBinary(StatSnapshotRequestSchema, stat),
  'encode the answer of Mounts': () => toBinary(MountsResponseSchema, create(MountsResponseSchema, { mounts })),
  'encode the answer of Stat, 4 labels': () => encodeInfos([snapshot]),
  'the same by generated messages': () =>
    toBinary(StatSnapshotResponseSchema, create(StatSnapshotResponseSchema, { info: toInfo(snapshot) })),
  [`encode a message of List, ${SNAPSHOTS} snapshots`]: () => encodeInfos(snapshots),
  'the same by generated messages ': () =>
    toBinary(ListSnapshotsResponseSchema, create(ListSnapshotsResponseSchema, { info: snapshots.map(toInfo) })),
});
