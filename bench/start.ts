// How long a start takes with many snapshots in the catalog, from the start of the process to the first health check
// answered, and what the daemon has in memory then, and after a List of all of them.
//
//   npm run bench:start -- [COUNT ...]       COUNT: snapshots; 0, 1,000, 10,000 and 100,000 unless given

import { setTimeout as sleep } from 'node:timers/promises';
import { Snapshots } from '../src/main/rpc/gen/containerd/services/snapshots/v1/snapshots_pb.ts';
import type { Daemon } from '../test/support/daemon.ts';
import { GrpcClient } from '../test/support/grpc-client.ts';
import { middleOf } from './figures.ts';
import { cpuUsOf, memoryOf, withMadeDaemon } from './made-daemon.ts';

const COUNTS = [0, 1_000, 10_000, 100_000];
const ROUNDS = 5;
/** What a start leaves for the garbage collector may have gone by then. */
const SETTLE_MS = 3_000;

const COLUMNS = {
  'serving after ms': 'servingMs',
  'CPU until then ms': 'cpuMs',
  'resident MiB': 'residentMib',
  'most until then MiB': 'peakMib',
  'List ms': 'listMs',
  'resident then MiB': 'listedMib',
} as const;

type Round = Readonly<Record<(typeof COLUMNS)[keyof typeof COLUMNS], number>>;

async function measure(daemon: Daemon): Promise<Round> {
  const startMs = performance.now();
  await daemon.start();
  const servingMs = performance.now() - startMs;
  try {
    const cpuMs = (await cpuUsOf(daemon.pid)) / 1000;
    await sleep(SETTLE_MS);
    const { residentMib, peakMib } = await memoryOf(daemon.pid);
    const listMs = await list(daemon.address);
    const { residentMib: listedMib } = await memoryOf(daemon.pid);
    return { servingMs, cpuMs, residentMib, peakMib, listMs, listedMib };
  } finally {
    await daemon.stop();
  }
}

/** Until the last message came, on a connection that is there already. */
async function list(address: string): Promise<number> {
  const client = new GrpcClient(address, { channels: 'own' });
  try {
    await client.call(Snapshots.method.stat, { key: 'none' }).catch(() => undefined);
    const startMs = performance.now();
    await client.collect(Snapshots.method.list, {});
    return performance.now() - startMs;
  } finally {
    client.close();
  }
}

const header = Object.keys(COLUMNS);
process.stdout.write(`${['snapshots', ...header].join(' | ')}\n`);
const given = process.argv.slice(2).map(Number);
for (const count of given.length > 0 ? given : COUNTS) {
  await withMadeDaemon(count, async (daemon) => {
    const rounds: Round[] = [];
    for (let number = 0; number < ROUNDS; number += 1) rounds.push(await measure(daemon));
    const cells = Object.entries(COLUMNS).map(([title, field]) =>
      middleOf(rounds.map((round) => round[field]))
        .toFixed(0)
        .padStart(title.length),
    );
    process.stdout.write(`${[String(count).padStart('snapshots'.length), ...cells].join(' | ')}\n`);
  });
}
