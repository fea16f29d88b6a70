// Starts the daemon as its own process in its own temporary root, and ends it in every way a host can.
// What it keeps survives stop(), kill() and start(): that is what restart tests are about. remove() takes it all away.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { GrpcClient, isServing } from './grpc-client.ts';
import { SnapshotsClient } from './snapshots-client.ts';
import { withTimeout } from './with-timeout.ts';

/** Made for a virtual machine without acceleration on a machine that is busy: 120 s were too few once. */
const START_LIMIT_MS = 300_000;
const STOP_LIMIT_MS = 60_000;
/** Between two looks at a daemon that is not up yet. */
const HEALTH_PAUSE_MS = 25;
/** The end of the log that a failure shows. */
const LOG_SHOWN_CHARS = 4_000;

const ENTRY = fileURLToPath(new URL('../../src/main/thinsnapd.js', import.meta.url));

export type ConfigTable = Readonly<Record<string, string | number | boolean>>;

export interface DaemonOptions {
  /** Keys of the daemon's configuration; `root_path` and `address` are set already. */
  readonly config: ConfigTable;
  readonly env?: Readonly<Record<string, string>>;
}

/** Writes the configuration and starts the daemon; answers once it serves. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const daemon = await makeDaemon(options);
  try {
    await daemon.start();
  } catch (error) {
    await daemon.remove();
    throw error;
  }
  return daemon;
}

/** As `startDaemon`, and not started yet. */
export async function makeDaemon(options: DaemonOptions): Promise<Daemon> {
  const root = await mkdtemp(join(tmpdir(), 'thinsnap-test-'));
  const address = join(root, 'thinsnap.sock');
  const table = { root_path: join(root, 'state'), address, ...options.config };
  await writeConfig(root, table);
  return new Daemon(root, address, options.env ?? {});
}

/** Writes a configuration into `dir`; answers the file. */
export async function writeConfig(dir: string, table: ConfigTable): Promise<string> {
  const file = join(dir, 'config.toml');
  const lines = Object.entries(table).map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`);
  await writeFile(file, lines.join(''));
  return file;
}

export class Daemon {
  readonly root: string;
  readonly address: string;
  readonly #env: Readonly<Record<string, string>>;
  #child: ChildProcess | null = null;
  #client: SnapshotsClient | null = null;
  #log = '';

  constructor(root: string, address: string, env: Readonly<Record<string, string>>) {
    this.root = root;
    this.address = address;
    this.#env = env;
  }

  /** One connection, the same until the daemon ends. */
  get client(): SnapshotsClient {
    this.#client ??= new SnapshotsClient(new GrpcClient(this.address));
    return this.#client;
  }

  /** Everything that the daemon wrote since it was first started. */
  get log(): string {
    return this.#log;
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error('The daemon does not run');
    return pid;
  }

  /** A connection of its own, as another process would have. Whoever opens it must close it. */
  connect(): SnapshotsClient {
    return new SnapshotsClient(new GrpcClient(this.address, { channels: 'own' }));
  }

  /** `env` is added for this life alone. */
  async start(env: Readonly<Record<string, string>> = {}): Promise<void> {
    if (this.#child !== null) throw new Error('The daemon runs already');
    const child = spawn(process.execPath, [ENTRY, '--config', join(this.root, 'config.toml')], {
      env: { ...process.env, ...this.#env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#log += text;
      });
    }
    await this.#untilServing(child);
  }

  /** Ends the daemon as systemd does; fails when it does not end well. */
  async stop(): Promise<void> {
    const end = await this.end('SIGTERM');
    if (end !== '0') throw new Error(`The daemon ended with ${end}, where 0 is right; ${this.#shownLog()}`);
  }

  /** Whether it is there and has not ended by itself. */
  get runs(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Lets go of one that has ended by itself, so that it can be started again; answers how it ended, or null. */
  async forget(): Promise<string | null> {
    return this.#child !== null && !this.runs ? this.end('SIGKILL') : null;
  }

  /** Ends the daemon as a crash does. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Ends the daemon if it runs, and deletes all that it kept; its log goes to THINSNAP_TEST_LOGS, where that is set. */
  async remove(): Promise<void> {
    if (this.#child !== null) await this.kill();
    const { THINSNAP_TEST_LOGS: logs } = process.env;
    if (logs !== undefined) await writeFile(join(logs, `${basename(this.root)}.log`), this.#log);
    await rm(this.root, { recursive: true, force: true });
  }

  /** Sends the signal, to one that runs, and waits for the end; answers its exit status, or the signal that ended it. */
  async end(signal: NodeJS.Signals): Promise<string> {
    const child = this.#child;
    if (child === null) throw new Error('The daemon does not run');
    this.#client?.close();
    this.#client = null;
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      child.kill(signal);
      await withTimeout(exited, STOP_LIMIT_MS, `The daemon's end after ${signal}`);
    }
    this.#child = null;
    return String(child.exitCode ?? child.signalCode);
  }

  async #untilServing(child: ChildProcess): Promise<void> {
    const deadline = Date.now() + START_LIMIT_MS;
    const client = new GrpcClient(this.address, { channels: 'own' });
    try {
      while (!(await isServing(client))) {
        if (child.exitCode !== null || child.signalCode !== null) {
          throw new Error(
            `The daemon ended with ${child.exitCode ?? child.signalCode} at its start; ${this.#shownLog()}`,
          );
        }
        if (Date.now() > deadline) throw new Error(`The daemon does not serve; ${this.#shownLog()}`);
        await sleep(HEALTH_PAUSE_MS);
      }
    } finally {
      client.close();
    }
  }

  #shownLog(): string {
    return `its log ends:\n${this.#log.slice(-LOG_SHOWN_CHARS)}`;
  }
}
