// The gRPC server on its unix socket: the snapshots service, health and reflection.

import { fileURLToPath } from 'node:url';
import { Server, ServerCredentials, type ServerOptions } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation } from 'grpc-health-check';
import { FaultError } from '../../shared/faults.ts';
import { type HandleOptions, Handlers } from './handle.ts';
import { type Implementation, type ListRpc, type Rpcs, SERVICE_NAME, SNAPSHOTS_DEFINITION } from './service.ts';

/** As containerd has it for its own services (defaults.DefaultMaxRecvMsgSize). */
const MESSAGE_BYTES_MAX = 16 * 1024 * 1024;
const STREAMS_PER_CONNECTION_MAX = 4096;
const HEADER_BYTES_MAX = 64 * 1024;
/** How long calls in flight may take to end at a stop. */
export const DRAIN_LIMIT_MS = 30_000;

export const SERVER_OPTIONS: ServerOptions = {
  'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
  'grpc.max_send_message_length': MESSAGE_BYTES_MAX,
  'grpc.max_concurrent_streams': STREAMS_PER_CONNECTION_MAX,
  'grpc.max_metadata_size': HEADER_BYTES_MAX,
  // Nobody can ask for its counts here, and keeping them costs each call.
  'grpc.enable_channelz': 0,
};

/** From dist/src/main/rpc/. */
export const PROTO_ROOT = fileURLToPath(new URL('../../../../proto', import.meta.url));

export interface SnapshotsServer {
  /** No new calls; those in flight have until the limit; then the socket goes. */
  stop(): Promise<void>;
}

export interface ServeOptions extends HandleOptions {
  readonly address: string;
  readonly unary: Rpcs;
  readonly list: ListRpc;
}

/** Serves on the socket, whose directory is there and whose path is free. Fault `unavailable` when it cannot be bound. */
export async function serve(options: ServeOptions): Promise<SnapshotsServer> {
  const server = new Server(SERVER_OPTIONS);
  server.addService(SNAPSHOTS_DEFINITION, implementation(options));
  const health = new HealthImplementation({ '': 'SERVING', [SERVICE_NAME]: 'SERVING' });
  health.addToServer(server);
  new ReflectionService(
    loadSync(['containerd/services/snapshots/v1/snapshots.proto'], { includeDirs: [PROTO_ROOT] }),
  ).addToServer(server);
  await bind(server, options.address);
  return {
    stop: async () => {
      health.setStatus('', 'NOT_SERVING');
      health.setStatus(SERVICE_NAME, 'NOT_SERVING');
      await drain(server);
    },
  };
}

function implementation(options: ServeOptions): Implementation {
  const handlers = new Handlers(options);
  const { unary, list } = options;
  return {
    Prepare: handlers.unary('Prepare', unary.Prepare),
    View: handlers.unary('View', unary.View),
    Mounts: handlers.unary('Mounts', unary.Mounts),
    Commit: handlers.unary('Commit', unary.Commit),
    Remove: handlers.unary('Remove', unary.Remove),
    Stat: handlers.unary('Stat', unary.Stat),
    Update: handlers.unary('Update', unary.Update),
    List: handlers.list(list),
    Usage: handlers.unary('Usage', unary.Usage),
    Cleanup: handlers.unary('Cleanup', unary.Cleanup),
  };
}

/** The socket's mode follows the umask: nobody but root may ever connect, not even for a moment. */
export async function bind(server: Server, address: string): Promise<void> {
  const umask = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.bindAsync(`unix:${address}`, ServerCredentials.createInsecure(), (error) =>
        error ? reject(error) : resolve(),
      );
    });
  } catch (error) {
    throw new FaultError('unavailable', `Cannot listen on ${address}: ${String(error)}`, { cause: error });
  } finally {
    process.umask(umask);
  }
}

export function drain(server: Server, limitMs = DRAIN_LIMIT_MS): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, limitMs);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
