// HTTP/2 by the byte (RFC 9113, RFC 7541), for what no client library would send: each frame is made by hand, and what comes
// back is only counted, unless somebody asks for the frames.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** Section 6. */
export const TYPE = {
  data: 0,
  headers: 1,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
};
export const FLAG = { none: 0, endStream: 1, ack: 1, endHeaders: 4 };
const HEAD_BYTES = 9;
const CANCEL = 8;
/** A daemon that reads at all has read by then. */
const SEND_LIMIT_MS = 500;
/** A daemon that is busy takes no more than 511 connections that wait for it. */
const CONNECT_LIMIT_MS = 30_000;
const CONNECT_PAUSE_MS = 10;

export type Header = readonly [name: string, value: string | Buffer];

/** What begins a frame: its type, its flags, the stream that it is of. */
export type FrameHead = readonly [type: number, flags: number, stream: number];

export function frame([type, flags, stream]: FrameHead, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export function resetFrame(stream: number): Buffer {
  return frame([TYPE.rstStream, FLAG.none, stream], uint32(CANCEL));
}

/** SETTINGS with one value, or none. */
export function settingsFrame(id?: number, value = 0): Buffer {
  if (id === undefined) return frame([TYPE.settings, FLAG.none, 0]);
  const payload = Buffer.alloc(6);
  payload.writeUInt16BE(id, 0);
  payload.writeUInt32BE(value, 2);
  return frame([TYPE.settings, FLAG.none, 0], payload);
}

/** A block of headers, each a literal that no table keeps (RFC 7541, section 6.2.2). */
export function headerBlock(headers: readonly Header[]): Buffer {
  return Buffer.concat(
    headers.flatMap(([name, value]) => [Buffer.of(0), text(Buffer.from(name)), text(Buffer.from(value))]),
  );
}

/** One header that the table of the connection keeps, the newest of its own (RFC 7541, section 6.2.1). */
export function keptHeader([name, value]: Header): Buffer {
  return Buffer.concat([Buffer.of(0x40), text(Buffer.from(name)), text(Buffer.from(value))]);
}

/** The newest that the table has, so many times: a byte each, after the 61 that every table has (section 6.1). */
export function newestHeader(times: number): Buffer {
  return Buffer.alloc(times, 0x80 | 62);
}

/** The headers of a gRPC call as grpc-go sends them. */
export function callHeaders(path: string | Buffer, more: readonly Header[] = []): Buffer {
  return headerBlock([
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', path],
    [':authority', 'localhost'],
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
    ...more,
  ]);
}

/** A gRPC message: flag, length, bytes. `lengthBytes`: what the length says, where that is not the truth. */
export function grpcMessage(bytes: Uint8Array, { flag = 0, lengthBytes = bytes.length } = {}): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flag, 0);
  head.writeUInt32BE(lengthBytes, 1);
  return Buffer.concat([head, bytes]);
}

function text(bytes: Buffer): Buffer {
  return Buffer.concat([prefixed(bytes.length), bytes]);
}

/** An integer with a prefix of seven bits (RFC 7541, section 5.1); the eighth, Huffman coding, is off. */
function prefixed(value: number): Buffer {
  if (value < 127) return Buffer.of(value);
  const bytes = [127];
  for (let rest = value - 127; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) + 128);
  }
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** One connection. What the daemon says is read and dropped; that it ended the connection shows. */
export class RawConnection {
  readonly #socket: Socket;
  #gone = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket
      .on('error', () => undefined)
      .on('close', () => {
        this.#gone = true;
      });
    socket.resume();
  }

  /** Connected, and no byte sent. */
  static async open(address: string): Promise<RawConnection> {
    // A unix socket whose queue is full refuses at once, where TCP would wait: EAGAIN (unix(7)).
    const deadlineMs = performance.now() + CONNECT_LIMIT_MS;
    for (;;) {
      const socket = connect(address);
      try {
        await once(socket, 'connect');
        return new RawConnection(socket);
      } catch (error) {
        socket.destroy();
        const isFull = error instanceof Error && 'code' in error && error.code === 'EAGAIN';
        if (!isFull || performance.now() > deadlineMs) throw error;
      }
      await sleep(CONNECT_PAUSE_MS);
    }
  }

  /** As `open`, with HTTP/2's first bytes said. `settings`: what the daemon is told of us. */
  static async start(address: string, settings: Buffer = settingsFrame()): Promise<RawConnection> {
    const connection = await RawConnection.open(address);
    await connection.send(PREFACE, settings);
    return connection;
  }

  /** The daemon ended it, or it was closed. */
  get gone(): boolean {
    return this.#gone;
  }

  /** Sends, and waits while the daemon does not read, for `SEND_LIMIT_MS`; whether it took everything. */
  async send(...parts: readonly Buffer[]): Promise<boolean> {
    if (this.#gone) return false;
    if (this.#socket.write(Buffer.concat(parts))) return true;
    return new Promise((resolve) => {
      const settle = (taken: boolean): void => {
        clearTimeout(timer);
        this.#socket.off('drain', drained).off('close', closed);
        resolve(taken);
      };
      const drained = (): void => settle(true);
      const closed = (): void => settle(false);
      const timer = setTimeout(closed, SEND_LIMIT_MS);
      this.#socket.on('drain', drained).on('close', closed);
    });
  }

  /** Reads no more: what the daemon writes stays in its own buffers. */
  stopReading(): void {
    this.#socket.pause();
  }

  /** Says that nothing more comes, and goes on reading. */
  end(): void {
    this.#socket.end();
  }

  /** Resolves when the daemon ended it. */
  async ended(): Promise<void> {
    // Not `once`, which fails where the daemon cut the connection off.
    if (!this.#gone) await new Promise((resolve) => this.#socket.on('close', resolve));
  }

  close(): void {
    this.#socket.destroy();
  }
}
