// kill -9 at moments spread over each operation, of a daemon on block files.
//
// THINSNAP_KILL_MOMENTS: kills in each operation. THINSNAP_KILL_PART: "2/3" takes the second of three parts of the operations.

import { BLOCK_FILES, blockFilesHeld, blockFilesLeft } from '../support/block-files.ts';
import { killSuite } from '../support/kills/suite.ts';

const { THINSNAP_KILL_MOMENTS: moments = '1' } = process.env;

killSuite(
  { config: BLOCK_FILES, held: blockFilesHeld, leftovers: blockFilesLeft, tidy: async () => undefined },
  Number(moments),
);
