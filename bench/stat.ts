// What Stat costs the daemon, and how many it answers: 16 calls in flight, 1,000 snapshots on blockfile volumes. The
// clients are processes of their own, so that what they spend is not taken for the daemon's. On a machine with few
// cores they, not the daemon, bound the rate. The CPU time of a call is steadier, but not free of the machine's load
// either: calls that come one by one share no wake-up, and 108 µs became 258 µs when others left 233 calls a second.
//
//   npm run bench:stat

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type Daemon, startDaemon } from '../test/support/daemon.ts';

const CLIENT = fileURLToPath(new URL('stat-client.js', import.meta.url));

const SNAPSHOTS = 1_000;
/** Prepares at once while the snapshots are made. */
const PREPARES_IN_FLIGHT = 16;
const CLIENTS = 4;
const IN_FLIGHT_PER_CLIENT = 4;
const ROUNDS = 5;
const ROUND_MS = 3_000;
const WARM_UP_MS = 3_000;
/** USER_HZ, which proc(5) counts CPU time in: 100 on every architecture that Node.js runs on. */
const TICKS_PER_SECOND = 100;
/** proc(5): utime and stime are fields 14 and 15; those after the name, which may hold spaces, begin with field 3. */
const UTIME = 14 - 3;
const STIME = 15 - 3;

interface Round {
  readonly perSecond: number;
  readonly cpuUsPerCall: number;
}

async function makeSnapshots(daemon: Daemon): Promise<string[]> {
  const keys = Array.from({ length: SNAPSHOTS }, (_, number) => `default/${number}/extract-${number}`);
  const waiting = [...keys];
  const prepare = async (): Promise<void> => {
    for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
      await daemon.client.prepare(key, '', { 'containerd.io/gc.root': '2024-01-01T00:00:00Z' });
    }
  };
  await Promise.all(Array.from({ length: PREPARES_IN_FLIGHT }, prepare));
  return keys;
}

/** Microseconds that all threads of the process have computed. */
async function cpuUs(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[UTIME]) + Number(fields[STIME])) * 1_000_000) / TICKS_PER_SECOND;
}

/** Calls that one client process had answered; it says itself why when it fails. */
async function callsOf(client: ChildProcess, durationMs: number): Promise<number> {
  const ended = once(client, 'exit').then(() => []);
  client.send(durationMs);
  const [calls]: unknown[] = await Promise.race([once(client, 'message'), ended]);
  if (typeof calls !== 'number') throw new Error('Cannot measure: a client ended without a figure');
  return calls;
}

async function measure(pid: number, clients: readonly ChildProcess[], durationMs: number): Promise<Round> {
  const beforeUs = await cpuUs(pid);
  const startMs = performance.now();
  const counts = await Promise.all(clients.map((client) => callsOf(client, durationMs)));
  const elapsedMs = performance.now() - startMs;
  const usedUs = (await cpuUs(pid)) - beforeUs;
  const calls = counts.reduce((sum, count) => sum + count, 0);
  return { perSecond: (calls * 1000) / elapsedMs, cpuUsPerCall: usedUs / calls };
}

function inOrder(figures: readonly number[]): string[] {
  return figures.toSorted((a, b) => a - b).map((figure) => figure.toFixed(0));
}

function middle(ordered: readonly string[]): string {
  return ordered[Math.floor(ordered.length / 2)] ?? '';
}

const daemon = await startDaemon({ config: { volumes: 'blockfile', base_image_size: '16MiB', min_free_space: '1%' } });
const clients: ChildProcess[] = [];
try {
  const keys = await makeSnapshots(daemon);
  for (let count = 0; count < CLIENTS; count += 1) {
    clients.push(fork(CLIENT, [daemon.address, String(IN_FLIGHT_PER_CLIENT), ...keys]));
  }
  await measure(daemon.pid, clients, WARM_UP_MS);
  const rounds: Round[] = [];
  for (let round = 0; round < ROUNDS; round += 1) rounds.push(await measure(daemon.pid, clients, ROUND_MS));
  const rates = inOrder(rounds.map(({ perSecond }) => perSecond));
  const cpu = inOrder(rounds.map(({ cpuUsPerCall }) => cpuUsPerCall));
  const inFlight = CLIENTS * IN_FLIGHT_PER_CLIENT;
  process.stdout.write(
    `${inFlight} in flight, ${SNAPSHOTS} snapshots: ${middle(rates)} Stats/s (rounds: ${rates.join(' ')})\n`,
  );
  process.stdout.write(`the daemon's CPU time of a call: ${middle(cpu)} µs (rounds: ${cpu.join(' ')})\n`);
} finally {
  for (const client of clients) client.disconnect();
  await daemon.remove();
}
