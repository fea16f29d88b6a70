// The semantics with blockfile volumes: runs wherever there is root and a loop device.

import { type Daemon, startDaemon } from '../support/daemon.ts';
import { restartsSuite, semanticsSuite } from './semantics.ts';

function makeDaemon(): Promise<Daemon> {
  return startDaemon({
    // The smallest file system that mkfs.xfs makes takes 300 MB.
    config: { volumes: 'blockfile', base_image_size: '320MB', min_free_space: '1%' },
  });
}

semanticsSuite('blockfile', makeDaemon);
restartsSuite('blockfile', makeDaemon);
