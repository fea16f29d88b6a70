// One gRPC call through Node's own HTTP/2 client, for requests that keep to HTTP/2 and break gRPC's own rules.

import { once } from 'node:events';
import { connect as connectHttp2, type OutgoingHttpHeaders } from 'node:http2';
import { connect } from 'node:net';

export interface CallEnd {
  /** The HTTP status. */
  readonly http: number;
  /** The grpc-status, in the headers or the trailers; null when there was none. */
  readonly grpc: number | null;
}

/** Sends `body` under `headers`, which replace those of a right call; an undefined one is left out. */
export async function callOverHttp2(
  address: string,
  headers: OutgoingHttpHeaders,
  body: Buffer | null,
): Promise<CallEnd> {
  // Not bounded here: what is too much is the daemon's to say.
  const session = connectHttp2('http://localhost', {
    createConnection: () => connect(address),
    maxSendHeaderBlockLength: Number.MAX_SAFE_INTEGER,
  });
  session.on('error', () => undefined);
  try {
    const all = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers', ...headers };
    const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
    const stream = session.request(given, { endStream: body === null });
    let end: CallEnd = { http: 0, grpc: null };
    const see = (seen: Readonly<Record<string, unknown>>): void => {
      const http = seen[':status'];
      const grpc = seen['grpc-status'];
      end = {
        http: typeof http === 'number' ? http : end.http,
        grpc: grpc === undefined ? end.grpc : Number(grpc),
      };
    };
    stream
      .on('response', see)
      .on('trailers', see)
      .on('error', () => undefined)
      .resume();
    if (body !== null) stream.end(body);
    await once(stream, 'close');
    return end;
  } finally {
    session.destroy();
  }
}
