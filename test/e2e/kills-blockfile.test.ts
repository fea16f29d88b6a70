// kill -9 at moments spread over each operation, of a daemon on block files.
//
// THINSNAP_KILL_MOMENTS: kills in each operation.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Daemon } from '../support/daemon.ts';
import { killSuite } from '../support/kills/suite.ts';

const { THINSNAP_KILL_MOMENTS: moments = '1' } = process.env;

killSuite(
  {
    config: { volumes: 'blockfile', base_image_size: '16MB', min_free_space: '1%' },
    leftovers: async ({ root }: Daemon) => {
      const files = await readdir(join(root, 'state', 'volumes'));
      return files.length === 1 && files[0]?.endsWith('.img') === true ? [] : files;
    },
    tidy: async () => undefined,
  },
  Number(moments),
);
