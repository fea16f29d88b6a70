// What is dead in the heap does not stay there for long.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MIB } from '../../src/shared/units.ts';
import { withNodeChild } from '../support/node-child.ts';

const MODULE = new URL('../../src/main/old-generation.js', import.meta.url).href;
/** Lives long enough to be old when it dies: some 30 MiB are alive at any time, 400 in all. Prints the most that was in the heap. */
const SCRIPT = `
  import { boundOldGeneration } from ${JSON.stringify(MODULE)};
  if (process.argv[1] === 'bound') boundOldGeneration();
  const kept = [];
  let most = 0;
  for (let batch = 0; batch < 400; batch += 1) {
    kept.push(Array.from({ length: 5000 }, (_, index) => ({ index, text: 'text ' + index, more: [index, batch] })));
    if (kept.length > 30) kept.shift();
    most = Math.max(most, process.memoryUsage().heapUsed);
  }
  console.log(String(most));
`;

async function mostWith(word: string): Promise<number> {
  let most = 0;
  await withNodeChild(SCRIPT, [word], async (child) => {
    most = Number(await child.nextLine());
  });
  return most / MIB;
}

test('boundOldGeneration keeps the heap close to what is alive', async () => {
  const [bound, free] = [await mostWith('bound'), await mostWith('free')];
  assert.ok(bound < 0.75 * free, `${bound} MiB of ${free}`);
});

test.run();
