// What every streaming call of the admin service has around it: a bound on how many there are, an end, a log line, and its
// fault as a gRPC status. A client that stops reading holds up nothing but its own call.

import type { handleServerStreamingCall, ServerWritableStream } from '@grpc/grpc-js';
import { FaultError, toFault } from '../../shared/faults.ts';
import { type HandleOptions, toStatus } from '../rpc/handle.ts';

/** People and their scripts; the next one is refused. */
export const STREAMS_MAX = 64;

type Rpc<Request, Answer> = (request: Request, signal: AbortSignal) => AsyncIterable<Answer>;

export interface StreamRules {
  readonly name: string;
  /** Null: as long as the client and the daemon want. */
  readonly limitMs: number | null;
}

export class StreamHandlers {
  readonly #options: HandleOptions;
  /** One for each stream that is open. */
  readonly #ends = new Set<AbortController>();
  #stopped = false;

  constructor(options: HandleOptions) {
    this.#options = options;
  }

  /** Ends all streams: their clients are told that the daemon ends. */
  stop(): void {
    this.#stopped = true;
    for (const end of this.#ends) end.abort();
  }

  handler<Request, Answer>(rules: StreamRules, rpc: Rpc<Request, Answer>): handleServerStreamingCall<Request, Answer> {
    return (call) => {
      this.#run(rules, call, rpc).then(
        () => call.end(),
        // grpc-js sends the status that an `error` event carries; destroying the stream would send none.
        (error: unknown) => call.emit('error', toStatus(toFault(error))),
      );
    };
  }

  async #run<Request, Answer>(
    rules: StreamRules,
    call: ServerWritableStream<Request, Answer>,
    rpc: Rpc<Request, Answer>,
  ): Promise<void> {
    const { log, onBug } = this.#options;
    const end = new AbortController();
    try {
      if (this.#ends.size >= STREAMS_MAX) {
        throw new FaultError('overloaded', `Cannot take a call: ${STREAMS_MAX} streams are open`);
      }
      this.#ends.add(end);
      if (this.#stopped) end.abort();
      await pump(call, rpc, { ...rules, end });
      if (this.#stopped) throw new FaultError('unavailable', `Cannot go on with ${rules.name}: thinsnapd ends`);
      log.debug({ call: `admin ${rules.name}`, outcome: 'ok' });
    } catch (error) {
      const { code, message } = toFault(error);
      const level = code === 'bug' ? 'fatal' : 'debug';
      log[level]({ call: `admin ${rules.name}`, outcome: code, fault: message });
      if (code === 'bug') onBug(message);
      throw error;
    } finally {
      this.#ends.delete(end);
    }
  }
}

/** Until the client goes, the time is over, or somebody else aborts `end`. */
async function pump<Request, Answer>(
  call: ServerWritableStream<Request, Answer>,
  rpc: Rpc<Request, Answer>,
  { name, limitMs, end }: StreamRules & { readonly end: AbortController },
): Promise<void> {
  const abort = (): void => end.abort();
  const limit = limitMs === null ? null : AbortSignal.timeout(limitMs);
  limit?.addEventListener('abort', abort);
  call.on('cancelled', abort).on('close', abort);
  try {
    for await (const message of rpc(call.request, end.signal)) {
      // At a stop, what a call still has to tell goes out before its end.
      if (call.cancelled) break;
      if (!call.write(message)) await drained(call, end.signal);
    }
  } finally {
    limit?.removeEventListener('abort', abort);
    call.off('cancelled', abort).off('close', abort);
  }
  if (limit?.aborted === true) throw new FaultError('timeout', `Cannot go on with ${name}: it takes too long`);
}

function drained(call: NodeJS.EventEmitter, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      call.off('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    if (signal.aborted) {
      resolve();
      return;
    }
    call.on('drain', done);
    signal.addEventListener('abort', done);
  });
}
