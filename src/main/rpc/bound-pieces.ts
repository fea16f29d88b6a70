// Bounds what a request costs that comes a byte at a time. grpc-js keeps each piece of an unfinished message as a Buffer of
// its own, about a hundred times the size of a single byte, and each holds on to the whole 64 KiB that it was read in:
// a message of 16 MiB may come in frames of one byte. Here many small pieces become one as they come.

import { StreamDecoder } from '@grpc/grpc-js/build/src/stream-decoder.js';

/** Pieces that may be small before they are joined. */
const PIECES_MAX = 256;
/** Pieces that are larger on average cost nothing worth a copy. */
const SMALL_BYTES = 1024;

const joined = new WeakMap<readonly unknown[], number>();
let isBound = false;

/** For every server of this process; once more is as good as once. */
export function boundPieces(): void {
  if (isBound) return;
  isBound = true;
  // eslint-disable-next-line @typescript-eslint/unbound-method -- it is called with `this` below
  const { write } = StreamDecoder.prototype;
  StreamDecoder.prototype.write = function (this: StreamDecoder, data: Buffer): Buffer[] {
    const messages = write.call(this, data);
    const pieces: unknown = Reflect.get(this, 'readPartialMessage');
    if (Array.isArray(pieces) && pieces.length >= PIECES_MAX) joinSmall(pieces);
    return messages;
  };
}

/** Joins the last pieces in place, once there are many small ones since this was done last. */
function joinSmall(pieces: unknown[]): void {
  const done = joined.get(pieces) ?? 0;
  if (pieces.length - done < PIECES_MAX) return;
  const tail = pieces.slice(done).filter((piece) => Buffer.isBuffer(piece));
  const bytes = tail.reduce((sum, piece) => sum + piece.length, 0);
  if (bytes < tail.length * SMALL_BYTES) pieces.splice(done, tail.length, Buffer.concat(tail, bytes));
  joined.set(pieces, pieces.length);
}
