// Files with holes and data at known places.

import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, truncate } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { MIB } from '../../src/shared/units.ts';

/** Half a MiB of noise at every eighth MiB. */
export async function makeHoley(path: string, sizeMib: number): Promise<void> {
  const handle = await open(path, 'wx');
  try {
    for (let offset = 0; offset < sizeMib; offset += 8)
      await handle.write(randomBytes(MIB / 2), 0, MIB / 2, offset * MIB);
  } finally {
    await handle.close();
  }
  await truncate(path, sizeMib * MIB);
}

export async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
