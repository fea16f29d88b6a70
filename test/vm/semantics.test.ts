// The service's semantics on a real thin pool.
// vm: plain pool

import { semanticsSuite } from '../e2e/semantics.ts';
import { thinPoolDaemon } from './support/daemon.ts';

semanticsSuite('thin-pool, ioctl', () => thinPoolDaemon('ioctl'));
