// A daemon on block files that starts and drops containers for a long time, and is killed once in a thousand.
//
// THINSNAP_SOAK_LOOPS: containers. THINSNAP_SOAK_SEED brings back what was drawn, though not its order.

import { test } from 'uvu';
import { BLOCK_FILES, blockFilesHeld, blockFilesLeft } from '../support/block-files.ts';
import { asRootWith } from '../support/requirements.ts';
import { soakOn } from '../support/soak/suite.ts';

const { THINSNAP_SOAK_LOOPS: loops = '200', THINSNAP_SOAK_SEED: seed = String(Date.now() % 1e6) } = process.env;
const ROUND_LOOPS = 1_000;

const ground = {
  config: BLOCK_FILES,
  furnish: async () => undefined,
  held: blockFilesHeld,
  leftovers: blockFilesLeft,
  tidy: async () => undefined,
  power: null,
};

const asRoot = asRootWith(test, 'losetup');
asRoot(`${loops} containers come and go, seed ${seed}`, () =>
  soakOn(ground, { loops: Number(loops), roundLoops: ROUND_LOOPS }, Number(seed)),
);
test.run();
