// containerd and runc on blockfile volumes: runs wherever there is root and a loop device.

import { readdir } from 'node:fs/promises';
import { containerdSuite } from './containerd/scenario.ts';
import { thinsnapSubject } from './containerd/thinsnap.ts';

containerdSuite('blockfile', 'process', () =>
  thinsnapSubject({ volumes: 'blockfile', base_image_size: '64MB', min_free_space: '1%' }, async (root) => {
    const files = await readdir(`${root}/state`, { recursive: true });
    return files
      .filter((file) => file.endsWith('.img'))
      .sort()
      .join('\n');
  }),
);
