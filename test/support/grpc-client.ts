// A gRPC client over generated messages: any method of any service by its descriptor, and raw bytes where a test
// wants to send what no generated message can hold.

import {
  create,
  type DescMessage,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { Client, type ClientReadableStream, credentials, type ServiceError, status } from '@grpc/grpc-js';

/** A call's end: the daemon bounds its own time, by 120 s, and must be the one that says so. This only keeps a test run from hanging. */
const CALL_LIMIT_MS = 180_000;
/** What containerd's client takes in one message. */
const MESSAGE_BYTES_MAX = 16 * 1024 * 1024;
/** Between two attempts to connect to a daemon that is not up yet. */
const RECONNECT_PAUSE_MS = 50;

/** grpc.health.v1.HealthCheckResponse with status SERVING, as bytes. */
const SERVING = Buffer.of(0x08, 0x01);

export class GrpcClient {
  readonly #client: Client;

  /** `channels: 'own'` opens a connection of its own, as another process would. */
  constructor(address: string, options: { readonly channels: 'shared' | 'own' } = { channels: 'shared' }) {
    this.#client = new Client(`unix://${address}`, credentials.createInsecure(), {
      'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
      'grpc.max_send_message_length': -1,
      'grpc.use_local_subchannel_pool': options.channels === 'own' ? 1 : 0,
      // What containerd's client sends over a unix socket.
      'grpc.default_authority': 'localhost',
      'grpc.initial_reconnect_backoff_ms': RECONNECT_PAUSE_MS,
      'grpc.max_reconnect_backoff_ms': RECONNECT_PAUSE_MS,
    });
  }

  async call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
  ): Promise<MessageShape<O>> {
    const bytes = toBinary(method.input, create(method.input, request));
    return fromBinary(method.output, await this.raw(pathOf(method), bytes));
  }

  /** Sends `bytes` as a unary request, whatever they are. */
  raw(path: string, bytes: Uint8Array): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const answer = (error: ServiceError | null, value?: Buffer) => {
        if (error !== null) reject(error);
        else resolve(value ?? Buffer.alloc(0));
      };
      const deadline = Date.now() + CALL_LIMIT_MS;
      this.#client.makeUnaryRequest(path, asBuffer, same, bytes, { deadline }, answer);
    });
  }

  /** Each message as it came, with the bytes it took. */
  async collect<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
  ): Promise<readonly { readonly message: MessageShape<O>; readonly bytes: number }[]> {
    const messages: { message: MessageShape<O>; bytes: number }[] = [];
    for await (const bytes of this.stream(method, request)) {
      if (!Buffer.isBuffer(bytes)) throw new TypeError('A stream answered what is no message');
      messages.push({ message: fromBinary(method.output, bytes), bytes: bytes.length });
    }
    return messages;
  }

  /** The stream itself, for a test that does not read it. Whoever opens it must cancel it. */
  stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
  ): ClientReadableStream<Buffer> {
    const bytes = toBinary(method.input, create(method.input, request));
    const deadline = Date.now() + CALL_LIMIT_MS;
    return this.#client.makeServerStreamRequest(pathOf(method), asBuffer, same, bytes, { deadline });
  }

  /** Sends one message of a call that streams both ways, and answers the first that comes back. */
  exchange(path: string, bytes: Uint8Array): Promise<Buffer> {
    const stream = this.#client.makeBidiStreamRequest(path, asBuffer, same, { deadline: Date.now() + CALL_LIMIT_MS });
    return new Promise<Buffer>((resolve, reject) => {
      stream.on('error', reject).once('data', resolve);
      stream.write(bytes);
    }).finally(() => stream.end());
  }

  close(): void {
    this.#client.close();
  }
}

/** Whether the standard health service says that the whole daemon serves; one that cannot be reached does not. */
export async function isServing(client: GrpcClient): Promise<boolean> {
  try {
    return SERVING.equals(await client.raw('/grpc.health.v1.Health/Check', Buffer.alloc(0)));
  } catch (error) {
    if (statusOf(error).name === 'UNAVAILABLE') return false;
    throw error;
  }
}

/** The name of the status that a call ended with: "OK", "NOT_FOUND" ... Anything but a status is thrown on. */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return status[status.OK];
  } catch (error) {
    return statusOf(error).name;
  }
}

/** How a call ended, in words: "OK", or "DEADLINE_EXCEEDED: Cannot wait longer ...". */
export async function answerOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return status[status.OK];
  } catch (error) {
    const { name, details } = statusOf(error);
    return `${name}: ${details}`;
  }
}

/** The status and message that a call failed with; fails itself when the call went well. */
export async function failureOf(call: Promise<unknown>): Promise<{ readonly name: string; readonly details: string }> {
  try {
    await call;
  } catch (error) {
    return statusOf(error);
  }
  throw new Error('The call went well, where the test wants it to fail');
}

function statusOf(error: unknown): { name: string; details: string } {
  if (!(error instanceof Error) || !('code' in error) || !('details' in error)) throw error;
  const { code, details } = error;
  const name = typeof code === 'number' ? status[code] : undefined;
  if (name === undefined || typeof details !== 'string') throw error;
  return { name, details };
}

function pathOf(method: { readonly parent: { readonly typeName: string }; readonly name: string }): string {
  return `/${method.parent.typeName}/${method.name}`;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function same(bytes: Buffer): Buffer {
  return bytes;
}
