// The service's semantics on a real thin pool, however the daemon speaks to it.
// vm: plain pool THINSNAP_TEST_ENGINE=ioctl

import { semanticsSuite } from '../e2e/semantics.ts';
import { startDaemon } from '../support/daemon.ts';

const { THINSNAP_TEST_POOL: pool = '', THINSNAP_TEST_ENGINE: engine = '' } = process.env;

semanticsSuite(`thin-pool, ${engine}`, () =>
  startDaemon({
    // The smallest file system that mkfs.xfs makes takes 300 MB.
    config: {
      volumes: 'thin-pool',
      pool_name: pool,
      engine,
      workers: 4,
      base_image_size: '320MB',
      min_free_space: '1%',
    },
  }),
);
