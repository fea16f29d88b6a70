// The model of the contract against a whole daemon on a thin pool: eight clients at once, killed twice in every second round.
// vm: plain pool
//
// THINSNAP_KILL_VM_ROUNDS: rounds with kills; by default it is killed in the only one there is.

import { wireSuite } from '../support/model/wire.ts';
import { thinPoolConfig } from './support/daemon.ts';

const { THINSNAP_KILL_VM_ROUNDS: killed = '1' } = process.env;

wireSuite({
  config: thinPoolConfig('ioctl'),
  rounds: 2 * Number(killed),
  scenarios: 1,
  kills: 2,
});
