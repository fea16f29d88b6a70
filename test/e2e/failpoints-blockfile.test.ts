// Failures by plan at every place of the list, in a real daemon on block files: the process is killed there, or a fault
// comes from there, once or for ever, or a thread ends or hangs.
//
// THINSNAP_FAILPOINT_RUNS: how many of each kind beside the kills at each place, which all run, life after life in a round; `all`:
// each place in a round of its own, and whatever else there is.

import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FAILPOINTS } from '../../src/shared/failpoint-names.ts';
import { MIB } from '../../src/shared/units.ts';
import { BLOCK_FILES, blockFilesLeft } from '../support/block-files.ts';
import { plansFor } from '../support/failpoints/plans.ts';
import { failpointSuite } from '../support/failpoints/suite.ts';
import type { Ground } from '../support/failpoints/trial.ts';

const TRIALS_AT_ONCE = 2;

const GROUND: Ground = {
  config: BLOCK_FILES,
  grownBytes: 24 * MIB,
  hangLimitMs: 8_000,
  leftovers: blockFilesLeft,
  // A file of ours without a record, for the next start to find. A catalog that is still new would refuse it.
  meanwhile: async (root) => {
    const directory = join(root, 'state', 'volumes');
    const files = await readdir(directory).catch(() => []);
    if (files.length > 0) await writeFile(join(directory, '4000.img'), '');
  },
  tidy: async () => undefined,
};

failpointSuite(
  GROUND,
  plansFor([...FAILPOINTS.common, ...FAILPOINTS.blockfile], 'prepare.recorded=1*kill'),
  TRIALS_AT_ONCE,
);
