// The service's semantics against a running daemon, whatever its volumes are: containerd's own suite, its codes, and
// everything that was seen to trip a snapshotter. Needs root, for it mounts what the daemon answers.
//
// THINSNAP_SEMANTICS_ROUNDS: how often, one time after another upon one daemon; each test counts each time.

import type { Daemon } from '../support/daemon.ts';
import { codes } from './semantics/codes.ts';
import { concurrency } from './semantics/concurrency.ts';
import { contents } from './semantics/contents.ts';
import { infos } from './semantics/infos.ts';
import { keys } from './semantics/keys.ts';
import { lists } from './semantics/lists.ts';
import { removals } from './semantics/removals.ts';
import { restarts } from './semantics/restarts.ts';
import { wire } from './semantics/wire.ts';
import { wishes } from './semantics/wishes.ts';
import { repeated, stageSuite } from './stage.ts';

const { THINSNAP_SEMANTICS_ROUNDS: rounds = '1' } = process.env;

/** Registers all but the restarts as one suite; `makeDaemon` gives a daemon with an empty store. */
export function semanticsSuite(name: string, makeDaemon: () => Promise<Daemon>): void {
  // Codes come first: they look at the store while it is empty.
  const topics = [codes, infos, lists, keys, contents, wishes, removals, concurrency, wire];
  stageSuite(name, makeDaemon, repeated(topics, Number(rounds)));
}

/** What is true after a stop, a kill -9 and a start: its own suite, for each start takes long in an emulated machine. */
export function restartsSuite(name: string, makeDaemon: () => Promise<Daemon>): void {
  stageSuite(`${name}, restarts`, makeDaemon, repeated([restarts], Number(rounds)));
}
