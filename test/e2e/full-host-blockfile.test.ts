// A daemon on block files whose disk fills up.

import { BLOCK_FILES } from '../support/block-files.ts';
import { fullHostSuite } from './full-host.ts';

fullHostSuite('full-host-blockfile', { config: BLOCK_FILES, takeAway: async () => undefined }, ['ext4', 'xfs']);
