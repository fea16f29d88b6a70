// What is true on a real thin pool after a stop, a kill -9 and a start.
// vm: plain pool

import { restartsSuite } from '../e2e/semantics.ts';
import { thinPoolDaemon } from './support/daemon.ts';

restartsSuite('thin-pool, ioctl', () => thinPoolDaemon('ioctl'));
