// kill -9 at moments spread over each operation, of a daemon on a real thin pool.
// vm: plain pool
//
// THINSNAP_KILL_VM_MOMENTS: kills in each operation. THINSNAP_KILL_PART: "2/3" takes the second of three parts of the operations.

import { killSuite } from '../support/kills/suite.ts';
import { thinPoolConfig } from './support/daemon.ts';
import { heldIds } from './support/held-ids.ts';
import { leftovers, tidy } from './support/leftovers.ts';

const { THINSNAP_KILL_VM_MOMENTS: moments = '1' } = process.env;

killSuite(
  { config: { ...thinPoolConfig('ioctl'), base_image_size: '64MB' }, held: () => heldIds(), leftovers, tidy },
  Number(moments),
);
