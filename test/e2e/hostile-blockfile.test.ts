// Hostile input against a whole daemon on block files: a sample of it, unless THINSNAP_HOSTILE_CASES (1000) and
// THINSNAP_HOSTILE_SECONDS (0.3, of each attack) ask for more.

import { type Daemon, startDaemon } from '../support/daemon.ts';
import { clients } from './hostile/clients.ts';
import { frames } from './hostile/frames.ts';
import { injection } from './hostile/injection.ts';
import { leaks } from './hostile/leaks.ts';
import { messages } from './hostile/messages.ts';
import { sizes } from './hostile/sizes.ts';
import { stageSuite } from './stage.ts';

function makeDaemon(): Promise<Daemon> {
  return startDaemon({ config: { volumes: 'blockfile', base_image_size: '32MB', min_free_space: '1%' } });
}

stageSuite('hostile input, blockfile', makeDaemon, [messages, frames, sizes, clients, leaks, injection]);
