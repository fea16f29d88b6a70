// A daemon on a real thin pool that starts and drops containers for a long time, and is killed once in a thousand.
// vm: plain pool
//
// THINSNAP_SOAK_VM_LOOPS: containers. THINSNAP_SOAK_SEED brings back what was drawn, though not its order.

import { soakSuite } from '../support/soak/suite.ts';
import { thinPoolConfig } from './support/daemon.ts';
import { heldIds } from './support/held-ids.ts';
import { leftovers, tidy } from './support/leftovers.ts';

const { THINSNAP_SOAK_VM_LOOPS: loops = '40', THINSNAP_SOAK_SEED: seed = String(Date.now() % 1e6) } = process.env;

soakSuite(
  { config: { ...thinPoolConfig('ioctl'), base_image_size: '64MB' }, held: () => heldIds(), leftovers, tidy },
  Number(loops),
  Number(seed),
);
