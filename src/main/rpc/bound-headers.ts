// Bounds the headers of one request before grpc-js reads them. grpc-js has an option for their size and does nothing with it, and
// Node.js takes 128 headers, each of which may be one byte that stands for 4 KiB in the connection's table (HPACK bomb): a thousand
// calls in 300 KB were 400 MiB once they were read.

import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { type Server, status } from '@grpc/grpc-js';
import { assert } from '../../shared/faults.ts';

export const HEADER_BYTES_MAX = 64 * 1024;
/** containerd sends a dozen. What is more, Node.js refuses before it makes anything of it. */
const HEADERS_MAX = 64;
/** What HTTP/2 counts for each beside its letters (RFC 9113, section 6.5.2). */
const HEADER_EXTRA_BYTES = 32;
/** Of those that are too large, one connection's: a client that sends more of them is none, and its connection ends. */
const REFUSALS_MAX = 8;
/** Which of them grpc-js takes depends on whether it keeps statistics. */
const HANDLERS = ['_streamHandler', '_channelzHandler'];

const refusals = new WeakMap<object, number>();

/** Answers RESOURCE_EXHAUSTED to what has more, and ends a connection that goes on with it. Before the server listens: it is then that grpc-js takes its handler. */
export function boundHeaders(server: Server, bytesMax = HEADER_BYTES_MAX): void {
  const http2Options: unknown = Reflect.get(server, 'commonServerOptions');
  assert(typeof http2Options === 'object' && http2Options !== null, 'grpc-js has no options of HTTP/2 by that name');
  Reflect.set(http2Options, 'maxHeaderListPairs', HEADERS_MAX);
  for (const name of HANDLERS) {
    const handle: unknown = Reflect.get(server, name);
    assert(typeof handle === 'function', 'grpc-js has no handler of streams by that name');
    const bounded = (interceptors: unknown, stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void => {
      if (headerBytes(headers) > bytesMax) refuse(stream, bytesMax);
      else Reflect.apply(handle, server, [interceptors, stream, headers]);
    };
    Reflect.set(server, name, bounded);
  }
}

/** Equal names are one value by now, whose parts are not put together before somebody reads it: its length costs nothing. */
export function headerBytes(headers: IncomingHttpHeaders | OutgoingHttpHeaders): number {
  let bytes = 0;
  for (const [name, values] of Object.entries(headers)) {
    for (const value of [values].flat()) bytes += name.length + String(value).length + HEADER_EXTRA_BYTES;
  }
  return bytes;
}

function refuse(stream: ServerHttp2Stream, bytesMax: number): void {
  stream.on('error', () => undefined);
  const { session } = stream;
  // The connection is gone.
  if (session === undefined) return;
  const refused = (refusals.get(session) ?? 0) + 1;
  refusals.set(session, refused);
  if (refused > REFUSALS_MAX) {
    session.destroy();
    return;
  }
  stream.respond(
    {
      ':status': 200,
      'content-type': 'application/grpc+proto',
      'grpc-status': status.RESOURCE_EXHAUSTED,
      'grpc-message': `Cannot take a request: its headers have over ${bytesMax} bytes`,
    },
    { endStream: true },
  );
  // What the client still sends is not read. The answer goes first.
  setImmediate(() => stream.destroy());
}
