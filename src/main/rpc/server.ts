// The gRPC server on its unix socket: the snapshots service, health and reflection.

import type { Server as NetServer } from 'node:net';
import { Server, type ServerOptions } from '@grpc/grpc-js';
import { boundHeaders } from './bound-headers.ts';
import { boundPieces } from './bound-pieces.ts';
import { boundRequests } from './bound-requests.ts';
import { type HandleOptions, Handlers } from './handle.ts';
import { Health } from './health.ts';
import { listen, type SocketAccess } from './listener.ts';
import { addReflection } from './reflection.ts';
import { type Implementation, type ListRpc, type Rpcs, SERVICE_NAME, SNAPSHOTS_DEFINITION } from './service.ts';

/** As containerd has it for its own services (defaults.DefaultMaxRecvMsgSize). */
const MESSAGE_BYTES_MAX = 16 * 1024 * 1024;
const STREAMS_PER_CONNECTION_MAX = 1024;
/** What one connection may have waiting here, above all answers that its client does not read. Node.js ends it then. */
const CONNECTION_MIB_MAX = 64;
/** How long calls in flight may take to end at a stop. */
export const DRAIN_LIMIT_MS = 30_000;

const SERVER_OPTIONS: ServerOptions = {
  'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
  'grpc.max_send_message_length': MESSAGE_BYTES_MAX,
  'grpc.max_concurrent_streams': STREAMS_PER_CONNECTION_MAX,
  'grpc-node.max_session_memory': CONNECTION_MIB_MAX,
  // Nobody asks for its statistics, and keeping them costs each call.
  'grpc.enable_channelz': 0,
};

export interface SnapshotsServer {
  /** Clients that are connected. */
  clients(): Promise<number>;
  /** No new calls; those in flight have until the limit; then the socket goes. */
  stop(): Promise<void>;
}

export interface ServeOptions extends HandleOptions {
  readonly address: string;
  readonly access: SocketAccess;
  readonly unary: Rpcs;
  readonly list: ListRpc;
}

/** Serves on the socket, whose directory is there and whose path is free. Fault `unavailable` when it cannot be bound. */
export async function serve(options: ServeOptions): Promise<SnapshotsServer> {
  const server = makeServer();
  server.addService(SNAPSHOTS_DEFINITION, implementation(options));
  const health = new Health([SERVICE_NAME]);
  health.addToServer(server);
  addReflection(server, 'containerd/services/snapshots/v1/snapshots.proto');
  const listener = await listen(server, options.address, options.access);
  return {
    clients: () =>
      new Promise((resolve, reject) => {
        listener.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
      }),
    stop: async () => {
      health.stop();
      await drain(server, listener);
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

/**
 * How long a connection may be silent, and how long the answer to a ping may take then: a client that does not answer is
 * stopped or gone. And one that nghttp2 gave up (streams reset too fast) stays open in Node.js 20 until something is
 * written to it, also after its client has gone.
 */
export interface Pings {
  readonly afterMs: number;
  readonly limitMs: number;
}

export const PINGS: Pings = { afterMs: 10_000, limitMs: 30_000 };

/** A server with every bound that both sockets have. */
export function makeServer({ afterMs, limitMs } = PINGS): Server {
  boundPieces();
  const server = new Server({
    ...SERVER_OPTIONS,
    'grpc.keepalive_time_ms': afterMs,
    'grpc.keepalive_timeout_ms': limitMs,
    interceptors: [boundRequests()],
  });
  boundHeaders(server);
  return server;
}

/** Takes no more connections and calls, and lets those in flight end. */
export function drain(server: Server, listener: NetServer, limitMs = DRAIN_LIMIT_MS): Promise<void> {
  listener.close();
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
