// The young generation stays small, also after a worker thread has started, which resets what was set.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MIB } from '../../src/shared/units.ts';
import { withNodeChild } from '../support/node-child.ts';

const MODULE = new URL('../../src/shared/young-generation.js', import.meta.url).href;
const WORKER = new URL('../../src/workers/entry.js', import.meta.url).href;
/** Some of what is made survives, so that V8 would let the young generation grow. Prints its size. */
const SCRIPT = `
  import { once } from 'node:events';
  import { getHeapSpaceStatistics } from 'node:v8';
  import { Worker } from 'node:worker_threads';
  import { boundYoungGeneration } from ${JSON.stringify(MODULE)};
  const [, word] = process.argv;
  if (word !== 'free') boundYoungGeneration();
  const options = { execArgv: [], workerData: { engine: 'auto' } };
  if (word === 'worker') await once(new Worker(new URL(${JSON.stringify(WORKER)}), options), 'exit');
  const kept = [];
  for (let batch = 0; batch < 50; batch += 1) {
    kept.push(Array.from({ length: 20_000 }, (_, index) => ({ index, more: [index] })));
    if (kept.length > 8) kept.shift();
  }
  console.log(String(getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_size));
`;

async function sizeWith(word: string): Promise<number> {
  let bytes = 0;
  await withNodeChild(SCRIPT, [word], async (child) => {
    bytes = Number(await child.nextLine());
  });
  return bytes / MIB;
}

let free = 0;
test.before(async () => {
  free = await sizeWith('free');
});

for (const word of ['no worker', 'worker']) {
  test(`boundYoungGeneration keeps it small with ${word}`, async () => {
    const bound = await sizeWith(word);
    assert.ok(bound > 0 && bound <= free / 4, `${bound} MiB of ${free}`);
  });
}

test.run();
