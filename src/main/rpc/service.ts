// The snapshots service on the wire: what each call takes and answers, and how its messages become bytes.
// Nothing here knows what a snapshot is, and no call's own file knows grpc-js.

import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { EmptySchema } from '@bufbuild/protobuf/wkt';
import type { MethodDefinition, ServiceDefinition, UntypedHandleCall } from '@grpc/grpc-js';
import * as pb from './gen/containerd/services/snapshots/v1/snapshots_pb.ts';

export const SERVICE_NAME = pb.Snapshots.typeName;

type Unary<Request extends DescMessage, Response extends DescMessage> = (
  request: MessageShape<Request>,
) => Promise<MessageInitShape<Response>>;

/** To add a call: a line here, a file beside this one, its entry in `calls.ts`. */
export interface Rpcs {
  readonly Prepare: Unary<typeof pb.PrepareSnapshotRequestSchema, typeof pb.PrepareSnapshotResponseSchema>;
  readonly View: Unary<typeof pb.ViewSnapshotRequestSchema, typeof pb.ViewSnapshotResponseSchema>;
  readonly Mounts: Unary<typeof pb.MountsRequestSchema, typeof pb.MountsResponseSchema>;
  readonly Commit: Unary<typeof pb.CommitSnapshotRequestSchema, typeof EmptySchema>;
  readonly Remove: Unary<typeof pb.RemoveSnapshotRequestSchema, typeof EmptySchema>;
  /** Answers a StatSnapshotResponse as bytes. */
  readonly Stat: (request: MessageShape<typeof pb.StatSnapshotRequestSchema>) => Promise<Buffer>;
  readonly Update: Unary<typeof pb.UpdateSnapshotRequestSchema, typeof pb.UpdateSnapshotResponseSchema>;
  readonly Usage: Unary<typeof pb.UsageRequestSchema, typeof pb.UsageResponseSchema>;
  readonly Cleanup: Unary<typeof pb.CleanupRequestSchema, typeof EmptySchema>;
}

/**
 * List streams: it answers its messages, as bytes, one by one and is asked for the next only when the client took the last.
 */
export type ListRpc = (request: MessageShape<typeof pb.ListSnapshotsRequestSchema>) => Iterable<Buffer>;

export type Implementation = Record<string, UntypedHandleCall>;

export const SNAPSHOTS_DEFINITION: ServiceDefinition = {
  Prepare: method('Prepare', pb.PrepareSnapshotRequestSchema, pb.PrepareSnapshotResponseSchema),
  View: method('View', pb.ViewSnapshotRequestSchema, pb.ViewSnapshotResponseSchema),
  Mounts: method('Mounts', pb.MountsRequestSchema, pb.MountsResponseSchema),
  Commit: method('Commit', pb.CommitSnapshotRequestSchema, EmptySchema),
  Remove: method('Remove', pb.RemoveSnapshotRequestSchema, EmptySchema),
  Stat: encoded(method('Stat', pb.StatSnapshotRequestSchema, pb.StatSnapshotResponseSchema)),
  Update: method('Update', pb.UpdateSnapshotRequestSchema, pb.UpdateSnapshotResponseSchema),
  List: {
    ...encoded(method('List', pb.ListSnapshotsRequestSchema, pb.ListSnapshotsResponseSchema)),
    responseStream: true,
  },
  Usage: method('Usage', pb.UsageRequestSchema, pb.UsageResponseSchema),
  Cleanup: method('Cleanup', pb.CleanupRequestSchema, EmptySchema),
};

function method<Request extends DescMessage, Response extends DescMessage>(
  name: string,
  request: Request,
  response: Response,
): MethodDefinition<MessageShape<Request>, MessageInitShape<Response>> {
  return {
    path: `/${SERVICE_NAME}/${name}`,
    requestStream: false,
    responseStream: false,
    requestSerialize: (message) => Buffer.from(toBinary(request, message)),
    requestDeserialize: (bytes) => fromBinary(request, bytes),
    responseSerialize: (message) => Buffer.from(toBinary(response, create(response, message))),
    responseDeserialize: (bytes) => fromBinary(response, bytes),
  };
}

/** One whose answers are bytes already. */
function encoded<Request, Response>(
  definition: MethodDefinition<Request, Response>,
): Omit<MethodDefinition<Request, Response>, 'responseSerialize'> & { responseSerialize: (bytes: Buffer) => Buffer } {
  return { ...definition, responseSerialize: (bytes) => bytes };
}
