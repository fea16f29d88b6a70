// The admin service on its own socket, which only root can connect to. It stops after the socket for containerd, so that
// a daemon that waits for its last calls can still be looked at.

import type { ServiceDefinition, UntypedHandleCall } from '@grpc/grpc-js';
import { Admin } from '../rpc/gen/thinsnap/admin/v1/admin_pb.ts';
import { type HandleOptions, Handlers } from '../rpc/handle.ts';
import { listen, OWNER_ONLY } from '../rpc/listener.ts';
import { addReflection } from '../rpc/reflection.ts';
import { drain, makeServer } from '../rpc/server.ts';
import { clearSocketPath } from '../rpc/socket.ts';
import { type AdminRpcs, toDefinition } from './service.ts';
import { StreamHandlers } from './stream-handler.ts';

/** A list is answered from memory; with usage, the kernel is asked for each of thousands. */
const LIST_LIMIT_MS = 10 * 60_000;
/** As long as deletions may take: each discards what its device mapped. */
const COLLECT_LIMIT_MS = 60 * 60_000;
/** Streams are ended at once at a stop; only a client that does not read could make it wait. */
const DRAIN_LIMIT_MS = 2000;

export interface AdminServer {
  stop(): Promise<void>;
}

export interface AdminServeOptions extends HandleOptions {
  readonly address: string;
  /** A group that passes through the socket's directory, if that has to be made; null: none. */
  readonly passingGid: number | null;
  readonly rpcs: AdminRpcs;
}

/** Fault `unavailable` when somebody else has the socket, or it cannot be bound. */
export async function serveAdmin(options: AdminServeOptions): Promise<AdminServer> {
  const { address, rpcs } = options;
  const unary = new Handlers(options);
  const streams = new StreamHandlers(options);
  await clearSocketPath(address, options.passingGid);
  const server = makeServer();
  const implementation: Record<keyof AdminRpcs, UntypedHandleCall> = {
    status: unary.unary('admin Status', rpcs.status),
    inspect: unary.unary('admin Inspect', rpcs.inspect),
    check: unary.unary('admin Check', rpcs.check),
    list: streams.handler({ name: 'List', limitMs: LIST_LIMIT_MS }, rpcs.list),
    usage: streams.handler({ name: 'Usage', limitMs: LIST_LIMIT_MS }, rpcs.usage),
    collect: streams.handler({ name: 'Collect', limitMs: COLLECT_LIMIT_MS }, rpcs.collect),
    reset: streams.handler({ name: 'Reset', limitMs: COLLECT_LIMIT_MS }, rpcs.reset),
    events: streams.handler({ name: 'Events', limitMs: null }, rpcs.events),
    backup: streams.handler({ name: 'Backup', limitMs: LIST_LIMIT_MS }, rpcs.backup),
  };
  server.addService(definition(), implementation);
  addReflection(server, 'thinsnap/admin/v1/admin.proto');
  const listener = await listen(server, address, OWNER_ONLY);
  return {
    stop: async () => {
      streams.stop();
      await drain(server, listener, DRAIN_LIMIT_MS);
    },
  };
}

function definition(): ServiceDefinition {
  const { status, list, inspect, usage, check, collect, reset, events, backup } = Admin.method;
  return {
    status: toDefinition(status),
    list: toDefinition(list),
    inspect: toDefinition(inspect),
    usage: toDefinition(usage),
    check: toDefinition(check),
    collect: toDefinition(collect),
    reset: toDefinition(reset),
    events: toDefinition(events),
    backup: toDefinition(backup),
  };
}
