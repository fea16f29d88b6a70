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
  readonly #stop = new AbortController();
  #running = 0;

  constructor(options: HandleOptions) {
    this.#options = options;
  }

  /** Ends all streams: their clients are told that the daemon ends. */
  stop(): void {
    this.#stop.abort();
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
    this.#running += 1;
    try {
      if (this.#running > STREAMS_MAX) {
        throw new FaultError('overloaded', `Cannot take a call: ${STREAMS_MAX} streams are open`);
      }
      await this.#pump(rules, call, rpc);
      log.debug({ call: `admin ${rules.name}`, outcome: 'ok' });
    } catch (error) {
      const { code, message } = toFault(error);
      const level = code === 'bug' ? 'fatal' : 'debug';
      log[level]({ call: `admin ${rules.name}`, outcome: code, fault: message });
      if (code === 'bug') onBug(message);
      throw error;
    } finally {
      this.#running -= 1;
    }
  }

  async #pump<Request, Answer>(
    { name, limitMs }: StreamRules,
    call: ServerWritableStream<Request, Answer>,
    rpc: Rpc<Request, Answer>,
  ): Promise<void> {
    const end = new AbortController();
    const abort = (): void => end.abort();
    call.on('cancelled', abort).on('close', abort);
    this.#stop.signal.addEventListener('abort', abort);
    if (this.#stop.signal.aborted) abort();
    const limit = limitMs === null ? null : AbortSignal.timeout(limitMs);
    limit?.addEventListener('abort', abort);
    try {
      for await (const message of rpc(call.request, end.signal)) {
        if (end.signal.aborted) break;
        if (!call.write(message)) await drained(call, end.signal);
      }
    } finally {
      limit?.removeEventListener('abort', abort);
      this.#stop.signal.removeEventListener('abort', abort);
      call.off('cancelled', abort).off('close', abort);
    }
    if (limit?.aborted === true) throw new FaultError('timeout', `Cannot go on with ${name}: it takes too long`);
    if (this.#stop.signal.aborted) throw new FaultError('unavailable', `Cannot go on with ${name}: thinsnapd ends`);
  }
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
