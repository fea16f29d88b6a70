// Failures by plan at every place of the list, in a real daemon on block files: the process is killed there, or a fault
// comes from there, once or for ever, or a thread ends or hangs.
//
// THINSNAP_FAILPOINT_RUNS: how many of each kind beside the kills at each place, which all run; `all`: whatever there is.

import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FAILPOINTS } from '../../src/shared/failpoint-names.ts';
import { MIB } from '../../src/shared/units.ts';
import type { Daemon } from '../support/daemon.ts';
import { plansFor } from '../support/failpoints/plans.ts';
import { failpointSuite } from '../support/failpoints/suite.ts';
import type { Ground } from '../support/failpoints/trial.ts';

const TRIALS_AT_ONCE = 2;

const GROUND: Ground = {
  config: { volumes: 'blockfile', base_image_size: '16MB', min_free_space: '1%' },
  grownBytes: 24 * MIB,
  hangLimitMs: 8_000,
  leftovers: async ({ root }: Daemon) => {
    const files = await readdir(join(root, 'state', 'volumes'));
    return files.length === 1 && files[0]?.endsWith('.img') === true ? [] : files;
  },
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
