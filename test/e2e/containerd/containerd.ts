// A containerd of the tests' own: its root, its state, its socket, no CRI, and a collector that does not dawdle.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Outcome, runChild } from '../../runner/child.ts';
import { until } from '../../support/until.ts';
import { withTimeout } from '../../support/with-timeout.ts';

// Made for a machine that is emulated: a Go program takes a second there to say its version.
const READY_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 30_000;
const CTR_LIMIT_MS = 120_000;
const LOG_SHOWN_CHARS = 3_000;

/** The plugins that would look at, or write to, what is not the tests' own. */
const DISABLED = [
  'io.containerd.grpc.v1.cri',
  'io.containerd.internal.v1.opt',
  'io.containerd.snapshotter.v1.aufs',
  'io.containerd.snapshotter.v1.btrfs',
  'io.containerd.snapshotter.v1.devmapper',
  'io.containerd.snapshotter.v1.zfs',
];

export interface ProxyPlugin {
  readonly name: string;
  readonly address: string;
}

/** Starts containerd with `proxy` as a snapshotter beside its own; answers once it serves. */
export async function startContainerd(proxy: ProxyPlugin | null): Promise<Containerd> {
  const root = await mkdtemp(join(tmpdir(), 'ctrd-'));
  const quote = (text: string): string => JSON.stringify(text);
  const config = `version = 2
root = ${quote(join(root, 'root'))}
state = ${quote(join(root, 'state'))}
disabled_plugins = [${DISABLED.map(quote).join(', ')}]
[grpc]
  address = ${quote(join(root, 'c.sock'))}
[plugins."io.containerd.gc.v1.scheduler"]
  deletion_threshold = 1
  schedule_delay = "0ms"
  startup_delay = "100ms"
${proxy === null ? '' : `[proxy_plugins.${proxy.name}]\n  type = "snapshot"\n  address = ${quote(proxy.address)}\n`}`;
  await mkdir(join(root, 'root'));
  await writeFile(join(root, 'config.toml'), config);
  const containerd = new Containerd(root);
  try {
    await containerd.start();
  } catch (error) {
    await containerd.remove();
    throw error;
  }
  return containerd;
}

export class Containerd {
  readonly root: string;
  readonly #logFile: string;
  #child: ChildProcess | null = null;

  constructor(root: string) {
    this.root = root;
    const { THINSNAP_TEST_LOGS: logs = root } = process.env;
    this.#logFile = join(logs, 'containerd.log');
  }

  async start(): Promise<void> {
    const log = await open(this.#logFile, 'a');
    try {
      const stdio = ['ignore' as const, log.fd, log.fd];
      this.#child = spawn('containerd', ['--config', join(this.root, 'config.toml')], { stdio });
    } finally {
      await log.close();
    }
    const child = this.#child;
    // Without a listener a containerd that cannot be started would end the whole run.
    child.once('error', () => undefined);
    await until(
      READY_LIMIT_MS,
      async () => {
        if (child.exitCode !== null)
          throw new Error(`containerd ended with ${child.exitCode}: ${await this.#shownLog()}`);
        return (await this.#ctr(['version'])).status === 0 ? true : null;
      },
      () => `containerd does not serve; its log is ${this.#logFile}`,
    );
  }

  /** Runs `ctr` in `namespace`, answers its output; fails with it when it does not end with 0. */
  async ctr(namespace: string, ...args: readonly string[]): Promise<string> {
    const outcome = await this.#ctr(['--namespace', namespace, ...args]);
    if (outcome.end === 'exit' && outcome.status === 0) return outcome.output;
    throw new Error(
      `ctr ${args.join(' ')}: ${outcome.end} ${outcome.status}: ${outcome.output}\ncontainerd's log ends:\n${await this.#shownLog()}`,
    );
  }

  /** Ends it; the containers' shims stay, as they do on any restart of containerd. */
  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await withTimeout(exited, STOP_LIMIT_MS, "containerd's end after SIGTERM");
  }

  async remove(): Promise<void> {
    await this.stop();
    await rm(this.root, { recursive: true, force: true });
  }

  async #ctr(args: readonly string[]): Promise<Outcome> {
    const command = ['ctr', '--address', join(this.root, 'c.sock'), ...args];
    return runChild(command, { timeoutMs: CTR_LIMIT_MS, cwd: this.root, env: process.env, onOutput: () => undefined });
  }

  async #shownLog(): Promise<string> {
    return (await readFile(this.#logFile, 'utf8').catch(() => '')).slice(-LOG_SHOWN_CHARS);
  }
}
