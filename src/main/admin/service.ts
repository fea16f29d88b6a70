// The admin service on the wire: what each call takes and answers. No call's own file knows grpc-js.

import {
  create,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import type { MethodDefinition } from '@grpc/grpc-js';
import type * as pb from '../rpc/gen/thinsnap/admin/v1/admin_pb.ts';

type Unary<Request extends DescMessage, Response extends DescMessage> = (
  request: MessageShape<Request>,
) => Promise<MessageInitShape<Response>>;

/** Answers its messages one by one and is asked for the next when the client took the last. Ends when `signal` aborts. */
type Streaming<Request extends DescMessage, Response extends DescMessage> = (
  request: MessageShape<Request>,
  signal: AbortSignal,
) => AsyncIterable<MessageInitShape<Response>>;

/** To add a call: its lines in admin.proto, a line here, a file beside this one, its entries in calls.ts and server.ts. */
export interface AdminRpcs {
  readonly status: Unary<typeof pb.StatusRequestSchema, typeof pb.StatusResponseSchema>;
  readonly list: Streaming<typeof pb.ListRequestSchema, typeof pb.ListResponseSchema>;
  readonly inspect: Unary<typeof pb.InspectRequestSchema, typeof pb.InspectResponseSchema>;
  readonly usage: Streaming<typeof pb.UsageRequestSchema, typeof pb.UsageResponseSchema>;
  readonly check: Unary<typeof pb.CheckRequestSchema, typeof pb.CheckResponseSchema>;
  readonly collect: Streaming<typeof pb.CollectRequestSchema, typeof pb.CollectResponseSchema>;
  readonly reset: Streaming<typeof pb.ResetRequestSchema, typeof pb.ResetResponseSchema>;
  readonly events: Streaming<typeof pb.EventsRequestSchema, typeof pb.EventsResponseSchema>;
  readonly backup: Streaming<typeof pb.BackupRequestSchema, typeof pb.BackupResponseSchema>;
}

/** How grpc-js names and packs a method's messages. */
export function toDefinition<Request extends DescMessage, Response extends DescMessage>(
  method: DescMethod & { readonly input: Request; readonly output: Response },
): MethodDefinition<MessageShape<Request>, MessageInitShape<Response>> {
  const { input, output } = method;
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: false,
    responseStream: method.methodKind === 'server_streaming',
    requestSerialize: (message) => Buffer.from(toBinary(input, message)),
    requestDeserialize: (bytes) => fromBinary(input, bytes),
    responseSerialize: (message) => Buffer.from(toBinary(output, create(output, message))),
    responseDeserialize: (bytes) => fromBinary(output, bytes),
  };
}
