// What every call has around it: a bound on how many there are, an end, a log line, and its fault as a gRPC status.

import type { handleServerStreamingCall, handleUnaryCall, ServerWritableStream, status } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { type Fault, FaultError, toFault } from '../../shared/faults.ts';
import type { ListRpc } from './service.ts';
import { GRPC_STATUS } from './status.ts';

/** Calls in flight; the next one is refused at once. */
export const CALLS_MAX = 8192;
/** Lists that are being answered: each holds what it has found, and a message or two that its client has not read. */
export const LISTS_MAX = 256;
/** containerd sets no deadline. The work itself is not aborted: it ends, is recorded, and the next call sees it. */
export const CALL_LIMIT_MS = 120_000;
/** Of a key in a log line, and of a fault's text in an answer: gRPC carries it in a header. */
const LOGGED_CHARS = 256;
const DETAILS_CHARS = 2048;

export interface HandleOptions {
  readonly log: Logger;
  /** A fault that can only be our own mistake: what is in memory is no longer to be trusted. */
  readonly onBug: (message: string) => void;
}

export class Handlers {
  readonly #options: HandleOptions;
  #inFlight = 0;
  #lists = 0;

  constructor(options: HandleOptions) {
    this.#options = options;
  }

  unary<Request extends object, Answer>(
    name: string,
    rpc: (request: Request) => Promise<Answer>,
  ): handleUnaryCall<Request, Answer> {
    return (call, callback) => {
      const key = keyOf(call.request);
      this.#run(name, key, () => withLimit(name, rpc(call.request))).then(
        (answer) => callback(null, answer),
        (error: unknown) => callback(toStatus(toFault(error))),
      );
    };
  }

  list(rpc: ListRpc): handleServerStreamingCall<Parameters<ListRpc>[0], unknown> {
    return (call) => {
      this.#lists += 1;
      // Told of every end, also of one that comes long after a fault, when the client reads no further.
      call.once('cancelled', () => {
        this.#lists -= 1;
      });
      this.#run('List', '', () => withLimit('List', this.#answerList(call, rpc))).then(
        () => call.end(),
        // grpc-js sends the status that an `error` event carries; destroying the stream would send none.
        (error: unknown) => call.emit('error', toStatus(toFault(error))),
      );
    };
  }

  async #answerList(call: ServerWritableStream<Parameters<ListRpc>[0], unknown>, rpc: ListRpc): Promise<void> {
    if (this.#lists > LISTS_MAX) {
      throw new FaultError('overloaded', `Cannot take a List: ${LISTS_MAX} are being answered`);
    }
    await stream(call, rpc);
  }

  async #run<T>(name: string, key: string, action: () => Promise<T>): Promise<T> {
    const { log, onBug } = this.#options;
    const startedAt = process.hrtime.bigint();
    this.#inFlight += 1;
    try {
      if (this.#inFlight > CALLS_MAX)
        throw new FaultError('overloaded', `Cannot take a call: ${CALLS_MAX} are in flight`);
      const answer = await action();
      log.debug({ call: name, key, ms: since(startedAt), outcome: 'ok' });
      return answer;
    } catch (error) {
      const fault = toFault(error);
      const level = fault.code === 'bug' ? 'fatal' : 'debug';
      log[level]({ call: name, key, ms: since(startedAt), outcome: fault.code, fault: fault.message });
      if (fault.code === 'bug') onBug(fault.message);
      throw error;
    } finally {
      this.#inFlight -= 1;
    }
  }
}

/** One message at a time: a client that stops reading holds nothing but its own list. */
async function stream(call: ServerWritableStream<Parameters<ListRpc>[0], unknown>, rpc: ListRpc): Promise<void> {
  for (const message of rpc(call.request)) {
    if (call.cancelled) return;
    if (!call.write(message)) await drained(call);
  }
}

function drained(call: ServerWritableStream<Parameters<ListRpc>[0], unknown>): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      call.off('drain', done).off('cancelled', done).off('close', done);
      resolve();
    };
    call.on('drain', done).on('cancelled', done).on('close', done);
  });
}

function withLimit<T>(name: string, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      const message = `Cannot wait longer for ${name}: it was not done after ${CALL_LIMIT_MS / 1000} s. It goes on, and its outcome will show`;
      reject(new FaultError('timeout', message));
    }, CALL_LIMIT_MS);
    work.finally(() => clearTimeout(timer)).then(resolve, reject);
  });
}

export function toStatus({ code, message }: Fault): { code: status; details: string } {
  // A bug's message is a stack: for the log, not for a client.
  const text = code === 'bug' ? 'Cannot answer: a mistake in thinsnapd; see its log' : message.slice(0, DETAILS_CHARS);
  // A pair of surrogates may have been cut apart, and grpc-js throws at half of one.
  return { code: GRPC_STATUS[code], details: Buffer.from(text).toString() };
}

function keyOf(request: object): string {
  return 'key' in request && typeof request.key === 'string' ? request.key.slice(0, LOGGED_CHARS) : '';
}

function since(startedAt: bigint): number {
  return Number((process.hrtime.bigint() - startedAt) / 1000n) / 1000;
}
