// What was found of contents, to be known again without another look: a tool that only reads says the same of the same bytes, and from
// one moment of a power loss to the next few devices differ.

import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { MIB } from '../../../src/shared/units.ts';

/** Read at once. */
const CHUNK = Buffer.alloc(4 * MIB);
const PIECE_BYTES = MIB / 16;
const ZEROS = Buffer.alloc(PIECE_BYTES);

export class Verdicts {
  readonly #found = new Map<string, string>();
  #looks = 0;
  #asked = 0;

  /** What `look` answers, to this question, of a device that holds what the one at `path` does. A failure is no verdict. */
  async of(question: string, path: string, look: () => Promise<string>): Promise<string> {
    const key = `${question} ${await digestOf(path)}`;
    const known = this.#found.get(key);
    this.#asked += 1;
    if (known !== undefined) return known;
    this.#looks += 1;
    const found = await look();
    this.#found.set(key, found);
    return found;
  }

  /** For a test's output. */
  get counts(): string {
    return `${this.#looks} looks for ${this.#asked} questions`;
  }
}

/** Of all that a device holds. Most of it are zeros, which cost less to find than to digest. */
async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  const device = await open(path, 'r');
  try {
    for (let begin = 0; ; begin += CHUNK.length) {
      const { bytesRead } = await device.read(CHUNK, 0, CHUNK.length, begin);
      if (bytesRead === 0) return hash.update(`end ${begin}`).digest('hex');
      for (let at = 0; at < bytesRead; at += PIECE_BYTES) {
        const piece = CHUNK.subarray(at, Math.min(at + PIECE_BYTES, bytesRead));
        if (!ZEROS.subarray(0, piece.length).equals(piece)) hash.update(`${begin + at} ${piece.length} `).update(piece);
      }
    }
  } finally {
    await device.close();
  }
}
