// The model of the contract against a whole daemon on block files: eight clients at once, killed in every second round.
//
// THINSNAP_KILL_ROUNDS: rounds with a kill.

import { wireSuite } from '../support/model/wire.ts';

const { THINSNAP_KILL_ROUNDS: killed = '2' } = process.env;

wireSuite({
  // XFS labels ask for a second base, and the smallest one that mkfs.xfs makes takes 300 MB.
  config: { volumes: 'blockfile', base_image_size: '320MB', min_free_space: '1%' },
  rounds: 2 * Number(killed),
  scenarios: 6,
  kills: 1,
});
