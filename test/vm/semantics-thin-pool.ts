// The semantics with a real thin pool. No `.test` in its name, for it does not run on bare disks: the pool is made
// beforehand and named by THINSNAP_TEST_POOL; THINSNAP_TEST_ENGINE says how the daemon speaks to it.

import { semanticsSuite } from '../e2e/semantics.ts';
import { startDaemon } from '../support/daemon.ts';

const { THINSNAP_TEST_POOL: pool, THINSNAP_TEST_ENGINE: engine = 'auto' } = process.env;
if (pool === undefined) throw new Error('Set THINSNAP_TEST_POOL to the name of an empty thin pool');

semanticsSuite(`thin-pool, ${engine}`, () =>
  startDaemon({
    // The smallest file system that mkfs.xfs makes takes 300 MB.
    config: { volumes: 'thin-pool', pool_name: pool, engine, base_image_size: '320MB', min_free_space: '1%' },
  }),
);
