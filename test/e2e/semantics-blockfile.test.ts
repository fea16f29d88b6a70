// The semantics with blockfile volumes: runs wherever there is root and a loop device.

import { startDaemon } from '../support/daemon.ts';
import { semanticsSuite } from './semantics.ts';

semanticsSuite('blockfile', () =>
  startDaemon({
    // The smallest file system that mkfs.xfs makes takes 300 MB.
    config: { volumes: 'blockfile', base_image_size: '320MB', min_free_space: '1%' },
  }),
);
