// Bounds what clients may have here at once: requests that begin and never end, that are large, that are many. grpc-js bounds
// one message and one connection's streams, but neither the time that a request takes to arrive nor what all of them
// hold together; and of a stream's end it tells only those that read from it, so the streams themselves are watched.
//
// One client must not use up what others need: a client that has little here is taken also when others have too much.

import { Duplex } from 'node:stream';
import {
  Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  status,
} from '@grpc/grpc-js';
import { headerBytes } from './bound-headers.ts';

export interface RequestLimits {
  /** Streams that are open, of all clients: what arrives, waits, runs, or is being answered. Each costs up to 16 KiB. */
  readonly streams: number;
  /** So many one connection may have in any case. */
  readonly streamsInAnyCase: number;
  /** Bytes of requests that are here, headers included, of all clients: more than one message may have. */
  readonly bytes: number;
  /** So many one stream may have in any case. */
  readonly bytesInAnyCase: number;
  /** Bytes that come on a stream of many requests (reflection): its answers are kept until they are read. */
  readonly dialogueBytes: number;
  /** From a request's first header to its last byte. */
  readonly arrivalMs: number;
}

const KIB = 1024;
export const REQUEST_LIMITS: RequestLimits = {
  streams: 2048,
  streamsInAnyCase: 32,
  bytes: 24 * KIB * KIB,
  bytesInAnyCase: 16 * KIB,
  dialogueBytes: 16 * KIB,
  // On a machine that does much else.
  arrivalMs: 60_000,
};

type Answer = Parameters<ServerInterceptingCallInterface['sendStatus']>[0];

/**
 * Answers RESOURCE_EXHAUSTED at once to what is too much, DEADLINE_EXCEEDED to what does not arrive, and UNIMPLEMENTED to what
 * is compressed: 16 KiB become 16 MiB, in as many calls as come, and no client of a unix socket gains by it.
 */
export function boundRequests(limits = REQUEST_LIMITS): ServerInterceptor {
  const held = new Held(limits);
  return ({ requestStream }, call) => {
    const stream: unknown = Reflect.get(call, 'stream');
    if (stream instanceof Duplex && !stream.destroyed) bound({ call, stream, requestStream }, held);
    return new ServerInterceptingCall(call);
  };
}

interface Begun {
  readonly call: ServerInterceptingCallInterface;
  readonly stream: Duplex;
  readonly requestStream: boolean;
}

function bound({ call, stream, requestStream }: Begun, held: Held): void {
  const { limits } = held;
  let own = 0;
  let refused = false;
  const refuse = (answer: Answer): void => {
    if (refused) return;
    refused = true;
    // What the client still sends is not read. Up to 2 MiB may be here already, and while no answer can be sent, all would be taken.
    stream.removeAllListeners('data');
    call.sendStatus(answer);
    // The answer goes first.
    setImmediate(() => stream.destroy());
  };
  const late = setTimeout(() => refuse(tooLate(limits)), limits.arrivalMs);
  const session: unknown = Reflect.get(stream, 'session');
  const isTaken = held.begin(session);
  stream.once('end', () => clearTimeout(late));
  stream.once('close', () => {
    clearTimeout(late);
    held.end(session, own);
  });
  const take = (bytes: number): void => {
    own += bytes;
    held.bytes += bytes;
    if (requestStream && own > limits.dialogueBytes) {
      refuse(tooMuch(`this stream has had ${limits.dialogueBytes} bytes of them`));
    } else if (held.bytes > limits.bytes && own > limits.bytesInAnyCase) {
      refuse(tooMuch(`those that are here have ${limits.bytes} bytes`));
    }
  };
  stream.on('data', (data: Buffer) => take(data.length));
  if (Reflect.get(call, 'incomingEncoding') !== 'identity') refuse(COMPRESSED);
  else if (!isTaken) refuse(tooMuch(`${limits.streams} are here`));
  else take(metadataBytes(call));
}

function metadataBytes(call: ServerInterceptingCallInterface): number {
  const metadata: unknown = Reflect.get(call, 'metadata');
  return metadata instanceof Metadata ? headerBytes(metadata.toHttp2Headers()) : 0;
}

/** What all clients have here together. */
class Held {
  readonly limits: RequestLimits;
  bytes = 0;
  #streams = 0;
  readonly #ofSession = new Map<unknown, number>();

  constructor(limits: RequestLimits) {
    this.limits = limits;
  }

  /** Counts a stream of that connection; whether there is room for it. */
  begin(session: unknown): boolean {
    const own = (this.#ofSession.get(session) ?? 0) + 1;
    this.#ofSession.set(session, own);
    this.#streams += 1;
    return this.#streams <= this.limits.streams || own <= this.limits.streamsInAnyCase;
  }

  end(session: unknown, bytes: number): void {
    const own = (this.#ofSession.get(session) ?? 0) - 1;
    if (own > 0) this.#ofSession.set(session, own);
    else this.#ofSession.delete(session);
    this.#streams -= 1;
    this.bytes -= bytes;
  }
}

const COMPRESSED: Answer = { code: status.UNIMPLEMENTED, details: 'Cannot read a request that is compressed' };

function tooMuch(found: string): Answer {
  return { code: status.RESOURCE_EXHAUSTED, details: `Cannot take a request: ${found}` };
}

function tooLate({ arrivalMs }: RequestLimits): Answer {
  const details = `Cannot wait for the rest of a request: it did not come within ${arrivalMs / 1000} s`;
  return { code: status.DEADLINE_EXCEEDED, details };
}
