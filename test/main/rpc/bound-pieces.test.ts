// A message that comes in small pieces costs about what it holds, and is the same as in one piece.

import { StreamDecoder } from '@grpc/grpc-js/build/src/stream-decoder.js';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { boundPieces } from '../../../src/main/rpc/bound-pieces.ts';

const BYTES = 100_000;

function framed(bytes: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

for (const pieceBytes of [1, 7, 4096]) {
  test(`a message is whole when it comes in pieces of ${pieceBytes} bytes, and few pieces are kept`, () => {
    boundPieces();
    const message = framed(Buffer.from(Array.from({ length: BYTES }, (_, index) => index % 251)));
    const decoder = new StreamDecoder(-1);
    let most = 0;
    // Two in a row: the second begins anew.
    for (let round = 0; round < 2; round += 1) {
      const got: Buffer[] = [];
      for (let at = 0; at < message.length; at += pieceBytes) {
        got.push(...decoder.write(message.subarray(at, at + pieceBytes)));
        const pieces: unknown = Reflect.get(decoder, 'readPartialMessage');
        most = Math.max(most, Array.isArray(pieces) ? pieces.length : Number.POSITIVE_INFINITY);
      }
      assert.equal(got, [message]);
    }
    assert.ok(most <= 256 + BYTES / 256, String(most));
  });
}

test.run();
