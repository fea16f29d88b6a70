// A call of the model as the service takes it, and its answer back in the model's words.

import { create, fromBinary, type MessageInitShape } from '@bufbuild/protobuf';
import {
  CleanupRequestSchema,
  CommitSnapshotRequestSchema,
  type InfoSchema,
  Kind,
  ListSnapshotsRequestSchema,
  ListSnapshotsResponseSchema,
  MountsRequestSchema,
  PrepareSnapshotRequestSchema,
  RemoveSnapshotRequestSchema,
  StatSnapshotRequestSchema,
  StatSnapshotResponseSchema,
  UpdateSnapshotRequestSchema,
  UsageRequestSchema,
  ViewSnapshotRequestSchema,
} from '../../../src/main/rpc/gen/containerd/services/snapshots/v1/snapshots_pb.ts';
import type { MountSchema } from '../../../src/main/rpc/gen/containerd/types/mount_pb.ts';
import type { ListRpc, Rpcs } from '../../../src/main/rpc/service.ts';
import type { Answer, Call, Info } from './calls.ts';

export interface Service {
  readonly unary: Rpcs;
  readonly list: ListRpc;
}

const EMPTY_ANSWER: Answer = { kind: 'empty' };

/** Asks the service without a wire between. Faults as the service does. */
export async function ask({ unary, list }: Service, call: Call): Promise<Answer> {
  switch (call.kind) {
    case 'Prepare':
      return mountOf((await unary.Prepare(create(PrepareSnapshotRequestSchema, { ...call }))).mounts);
    case 'View':
      return mountOf((await unary.View(create(ViewSnapshotRequestSchema, { ...call }))).mounts);
    case 'Mounts':
      return mountOf((await unary.Mounts(create(MountsRequestSchema, { key: call.key }))).mounts);
    case 'Commit':
      await unary.Commit(create(CommitSnapshotRequestSchema, { ...call }));
      return EMPTY_ANSWER;
    case 'Remove':
      await unary.Remove(create(RemoveSnapshotRequestSchema, { key: call.key }));
      return EMPTY_ANSWER;
    case 'Stat':
      return infoOf(
        fromBinary(StatSnapshotResponseSchema, await unary.Stat(create(StatSnapshotRequestSchema, { key: call.key })))
          .info,
      );
    case 'Update': {
      const info = { name: call.key, labels: { ...call.labels } };
      const updateMask = { paths: [...call.paths] };
      return infoOf((await unary.Update(create(UpdateSnapshotRequestSchema, { info, updateMask }))).info);
    }
    case 'List': {
      const messages = [...list(create(ListSnapshotsRequestSchema, { filters: filtersOf(call) }))];
      return {
        kind: 'infos',
        infos: messages.flatMap((message) => fromBinary(ListSnapshotsResponseSchema, message).info.map(toInfo)),
      };
    }
    case 'Usage': {
      const { size } = await unary.Usage(create(UsageRequestSchema, { key: call.key }));
      return { kind: 'size', bytes: Number(size) };
    }
    case 'Cleanup':
      await unary.Cleanup(create(CleanupRequestSchema, {}));
      return EMPTY_ANSWER;
  }
}

export function filtersOf({ only }: Extract<Call, { kind: 'List' }>): string[] {
  return only === 'all' ? [] : [`kind==${only}`];
}

function mountOf(mounts: readonly MessageInitShape<typeof MountSchema>[] | undefined): Answer {
  const [mount] = mounts ?? [];
  if (mount === undefined || mounts?.length !== 1) throw new Error(`Answered ${mounts?.length} mounts instead of one`);
  const { type = '', source = '', options = [] } = mount;
  return { kind: 'mount', mount: { type, source, options } };
}

function infoOf(info: MessageInitShape<typeof InfoSchema> | undefined): Answer {
  if (info === undefined) throw new Error('Answered without an info');
  return { kind: 'info', info: toInfo(info) };
}

const KINDS: ReadonlyMap<Kind | undefined, Info['kind']> = new Map([
  [Kind.ACTIVE, 'active'],
  [Kind.VIEW, 'view'],
  [Kind.COMMITTED, 'committed'],
]);

export function toInfo(info: MessageInitShape<typeof InfoSchema>): Info {
  const kind = KINDS.get(info.kind);
  if (kind === undefined) throw new Error(`Answered an info of kind ${info.kind}`);
  return {
    key: info.name ?? '',
    parent: info.parent ?? '',
    kind,
    labels: info.labels ?? {},
    createdNs: toNs(info.createdAt),
    updatedNs: toNs(info.updatedAt),
  };
}

function toNs(time: { readonly seconds?: bigint; readonly nanos?: number } | undefined): bigint {
  return (time?.seconds ?? 0n) * 1_000_000_000n + BigInt(time?.nanos ?? 0);
}
