// One who behaves: asks again and again, and says how long each answer took. It has a thread of its own, for what attackers
// have to do themselves is not the daemon's time.

import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort } from 'node:worker_threads';
import { GrpcClient } from '../../support/grpc-client.ts';
import { factsOf } from '../../support/process-facts.ts';
import { SnapshotsClient } from '../../support/snapshots-client.ts';

/** Between two calls. */
const PAUSE_MS = 20;

/** Whom to ask, and for what. The next message, whatever it is, ends it. */
export interface Errand {
  readonly address: string;
  readonly pid: number;
  readonly key: string;
}

/** What it came to until it was told to end. */
export interface Calm {
  readonly latenciesMs: readonly number[];
  /** The daemon's memory at its worst moment. */
  readonly mostBytes: number;
  /** Why it ended before it was told to; null: it did not. */
  readonly failure: string | null;
}

let isAsking = false;

parentPort?.on('message', (errand: Errand | null) => {
  isAsking = errand !== null;
  if (errand !== null) void ask(errand).then((calm) => parentPort?.postMessage(calm));
});

async function ask({ address, pid, key }: Errand): Promise<Calm> {
  // Whatever became of its calls, its connection is not the daemon's to be blamed for.
  const client = new SnapshotsClient(new GrpcClient(address, { channels: 'own' }));
  const latenciesMs: number[] = [];
  let mostBytes = 0;
  let failure: string | null = null;
  try {
    // What connecting costs is nobody's latency.
    await client.stat(key);
    do {
      const startMs = performance.now();
      await client.stat(key);
      latenciesMs.push(performance.now() - startMs);
      mostBytes = Math.max(mostBytes, (await factsOf(pid)).rssBytes);
      await sleep(PAUSE_MS);
    } while (isAsking);
  } catch (error) {
    failure = String(error);
  } finally {
    client.close();
  }
  return { latenciesMs, mostBytes, failure };
}
