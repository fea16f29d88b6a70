// A connection to the daemon's admin socket: calls by their descriptors, and whatever goes wrong as a CommandError that
// says what to do. No command's own file knows grpc-js.

import { connect } from 'node:net';
import {
  create,
  type DescMessage,
  type DescMethod,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { Client, credentials, status } from '@grpc/grpc-js';
import { CommandError, EXIT_FAILED, EXIT_NO_DAEMON, EXIT_NOT_FOUND, EXIT_USAGE } from '../command.ts';

/** An answer from memory comes at once; one that asks the kernel may wait for its device. */
const ANSWER_LIMIT_MS = 15_000;
/** One snapshot with all its labels is 16 MiB, and a message may hold that beside what comes before it. */
const MESSAGE_BYTES_MAX = 64 * 1024 * 1024;
/** Between attempts to connect again, for whoever watches while the daemon restarts. */
const RECONNECT_PAUSE_MS = 250;

export class AdminClient {
  readonly #client: Client;
  readonly #address: string;

  private constructor(address: string) {
    this.#address = address;
    this.#client = new Client(`unix:${address}`, credentials.createInsecure(), {
      'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
      'grpc.default_authority': 'localhost',
      'grpc.initial_reconnect_backoff_ms': RECONNECT_PAUSE_MS,
      'grpc.max_reconnect_backoff_ms': RECONNECT_PAUSE_MS,
    });
  }

  /** Throws a CommandError with EXIT_NO_DAEMON when nobody listens there. */
  static async open(address: string): Promise<AdminClient> {
    await checkSocket(address);
    return new AdminClient(address);
  }

  async call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
  ): Promise<MessageShape<O>> {
    const bytes = toBinary(method.input, create(method.input, request));
    const answer = await new Promise<Buffer>((resolve, reject) => {
      const options = { deadline: Date.now() + ANSWER_LIMIT_MS };
      this.#client.makeUnaryRequest(pathOf(method), asBuffer, same, bytes, options, (error, value) => {
        if (error === null) resolve(value ?? Buffer.alloc(0));
        else reject(toCommandError(error, this.#address));
      });
    });
    return fromBinary(method.output, answer);
  }

  /** The messages as they come, until the daemon ends them or `signal` aborts. The daemon bounds what it takes. */
  async *stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    signal: AbortSignal,
  ): AsyncGenerator<MessageShape<O>, void> {
    const bytes = toBinary(method.input, create(method.input, request));
    const call = this.#client.makeServerStreamRequest(pathOf(method), asBuffer, same, bytes);
    const cancel = (): void => call.cancel();
    signal.addEventListener('abort', cancel);
    try {
      for await (const message of call) {
        if (Buffer.isBuffer(message)) yield fromBinary(method.output, message);
      }
    } catch (error) {
      if (!signal.aborted) throw toCommandError(error, this.#address);
    } finally {
      signal.removeEventListener('abort', cancel);
      call.cancel();
    }
  }

  close(): void {
    this.#client.close();
  }
}

/** Before grpc-js tries: it would keep the reason to itself, and try again for some time. */
async function checkSocket(address: string): Promise<void> {
  const code = await new Promise<string | null>((resolve) => {
    const socket = connect({ path: address });
    socket.on('connect', () => {
      socket.destroy();
      resolve(null);
    });
    socket.on('error', (error) => resolve('code' in error && typeof error.code === 'string' ? error.code : 'EIO'));
  });
  if (code !== null) throw unreachable(address, describeErrno(code));
}

function describeErrno(code: string): string {
  switch (code) {
    case 'ENOENT':
      return 'there is no such socket. Start thinsnapd, or say where it is with --admin-address or --config';
    case 'ECONNREFUSED':
      return 'nobody listens there. It has ended: start it again';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied. Only root may: use sudo';
    default:
      return `${code}. See that the path is right`;
  }
}

function unreachable(address: string, found: string): CommandError {
  return new CommandError(EXIT_NO_DAEMON, 'unavailable', `Cannot reach thinsnapd on ${address}: ${found}`);
}

function toCommandError(error: unknown, address: string): CommandError {
  if (!(error instanceof Error) || !('code' in error) || !('details' in error)) throw error;
  const details = String(error.details);
  switch (error.code) {
    case status.UNAVAILABLE:
      return unreachable(address, `${details === '' ? 'the connection was lost' : details}. See whether it runs`);
    case status.DEADLINE_EXCEEDED: {
      const found = `no answer within ${ANSWER_LIMIT_MS / 1000} s. See its log; a kill -9 and a start lose nothing`;
      return unreachable(address, found);
    }
    case status.UNIMPLEMENTED:
      return new CommandError(
        EXIT_FAILED,
        'unsupported',
        `Cannot ask thinsnapd on ${address}: it does not know this call. It is another version: restart it`,
      );
    case status.NOT_FOUND:
      return new CommandError(EXIT_NOT_FOUND, 'not-found', details);
    case status.INVALID_ARGUMENT:
      return new CommandError(EXIT_USAGE, 'invalid', details);
    default:
      return new CommandError(EXIT_FAILED, 'io', details);
  }
}

function pathOf({ parent, name }: DescMethod): string {
  return `/${parent.typeName}/${name}`;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function same(bytes: Buffer): Buffer {
  return bytes;
}
