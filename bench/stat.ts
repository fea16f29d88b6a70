// What Stat costs the daemon, and how many it answers: 16 calls in flight. The client is a process of its own, so that
// what it spends is not taken for the daemon's; it is written in Go, as containerd is, and built from Debian's packages
// golang-go and golang-github-containerd-containerd-dev. Without Go, one in Node.js takes its place, and on a machine
// with few cores bounds the rate itself. The CPU time of a call is steadier than the rate, but not free of the machine's
// load either: calls that come one by one share no wake-up.
//
//   npm run bench:stat -- [go|node] [SNAPSHOTS]        go where it is installed, and 1,000, unless given

import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Daemon } from '../test/support/daemon.ts';
import { middleOf, show } from './figures.ts';
import { cpuUsOf, memoryOf, withMadeDaemon } from './made-daemon.ts';

const NODE_CLIENT = fileURLToPath(new URL('stat-client.js', import.meta.url));
/** From dist/bench/. */
const GO_CLIENT = fileURLToPath(new URL('../../bench/stat-client', import.meta.url));

const SNAPSHOTS = 1_000;
const IN_FLIGHT = 16;
/** A command line holds so many keys, and more would measure nothing else. */
const KEYS_MAX = 1_000;
const ROUNDS = 5;
const ROUND_MS = 3_000;
const WARM_UP_MS = 3_000;

interface Client {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

interface Round {
  readonly perSecond: number;
  readonly cpuUsPerCall: number;
}

async function findClient(wanted: string | undefined, folder: string): Promise<Client> {
  const node: Client = { name: 'Node.js client', command: [process.execPath, NODE_CLIENT] };
  if (wanted === 'node') return node;
  const out = join(folder, 'stat-client');
  // Debian's sources are laid out as before Go had modules.
  const env = { ...process.env, GO111MODULE: 'off', GOPATH: '/usr/share/gocode', GOFLAGS: '', CGO_ENABLED: '0' };
  try {
    await promisify(execFile)('go', ['build', '-trimpath', '-o', out, '.'], { cwd: GO_CLIENT, env });
    return { name: 'Go client', command: [out] };
  } catch (error) {
    if (wanted === 'go') throw error;
    return node;
  }
}

/** A client process that was started: each line that goes in is a round, each that comes out its count. */
class Calls {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  constructor({ command: [file, ...leading] }: Client, more: readonly string[]) {
    this.#child = spawn(file, [...leading, ...more], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines: Interface = createInterface(this.#child.stdout);
    this.#lines = lines[Symbol.asyncIterator]();
  }

  async count(durationMs: number): Promise<number> {
    this.#child.stdin.write(`${durationMs}\n`);
    const { value, done } = await this.#lines.next();
    // It has said itself why.
    if (done === true) throw new Error('Cannot measure: the client ended without a figure');
    return Number(value);
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.stdin.end();
    await exited;
  }
}

async function measure(daemon: Daemon, calls: Calls, durationMs: number): Promise<Round> {
  const beforeUs = await cpuUsOf(daemon.pid);
  const startMs = performance.now();
  const count = await calls.count(durationMs);
  const elapsedMs = performance.now() - startMs;
  const usedUs = (await cpuUsOf(daemon.pid)) - beforeUs;
  return { perSecond: (count * 1000) / elapsedMs, cpuUsPerCall: usedUs / count };
}

const folder = await mkdtemp(join(tmpdir(), 'thinsnap-bench-'));
try {
  const [wanted, snapshots = String(SNAPSHOTS)] = process.argv.slice(2);
  const client = await findClient(wanted, folder);
  await withMadeDaemon(Number(snapshots), async (daemon, keys) => {
    await daemon.start();
    const calls = new Calls(client, [daemon.address, String(IN_FLIGHT), ...keys.slice(-KEYS_MAX)]);
    try {
      await measure(daemon, calls, WARM_UP_MS);
      const rounds: Round[] = [];
      for (let round = 0; round < ROUNDS; round += 1) rounds.push(await measure(daemon, calls, ROUND_MS));
      const what = `${client.name}, ${IN_FLIGHT} in flight, ${snapshots} snapshots`;
      process.stdout.write(`${what}: ${show(rounds.map(({ perSecond }) => perSecond))} Stats/s\n`);
      process.stdout.write(`the daemon's CPU time of a call: ${show(rounds.map((round) => round.cpuUsPerCall))} µs\n`);
      process.stdout.write(
        `resident afterwards: ${middleOf([(await memoryOf(daemon.pid)).residentMib]).toFixed(0)} MiB\n`,
      );
    } finally {
      await calls.end();
    }
  });
} finally {
  await rm(folder, { recursive: true, force: true });
}
