// A containerd of the tests' own: its root, its state, its socket, no CRI, and a collector that does not dawdle.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { arch, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { type Outcome, runChild } from '../../runner/child.ts';
import { until } from '../../support/until.ts';
import { withTimeout } from '../../support/with-timeout.ts';

// Made for a machine that is emulated: a Go program takes a second there to say its version.
const READY_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 30_000;
/** The longer, the more of them run at once. */
const { THINSNAP_TEST_PATIENCE: patience = '1' } = process.env;
const COMMAND_LIMIT_MS = 120_000 * Number(patience);
const LOG_SHOWN_CHARS = 3_000;
/** In a container. */
const SAID = '/said';

/** The plugins that would look at, or write to, what is not the tests' own; a version that lacks one lets it pass. */
const DISABLED = [
  'io.containerd.cri.v1.images',
  'io.containerd.cri.v1.runtime',
  'io.containerd.grpc.v1.cri',
  'io.containerd.internal.v1.opt',
  'io.containerd.nri.v1.nri',
  'io.containerd.snapshotter.v1.aufs',
  'io.containerd.snapshotter.v1.btrfs',
  'io.containerd.snapshotter.v1.devmapper',
  'io.containerd.snapshotter.v1.zfs',
];

/**
 * What containerd, ctr and the shim are started with. THINSNAP_TEST_CONTAINERD_BIN names a directory that holds the three
 * of another version than the installed one: an unpacked package of a newer Debian, or a build of containerd's.
 */
function environment(): NodeJS.ProcessEnv {
  const { THINSNAP_TEST_CONTAINERD_BIN: bin, PATH: path = '' } = process.env;
  return {
    ...process.env,
    PATH: bin === undefined ? path : `${bin}${delimiter}${path}`,
    // ctr 2.2 warns of the machine's cgroups in the midst of what it answers.
    CONTAINERD_SUPPRESS_DEPRECATION_WARNINGS: '1',
  };
}

/** A snapshotter as containerd is told of it; without an address it is one of its own. */
export interface Snapshotter {
  readonly name: string;
  readonly address: string | null;
}

/** Starts containerd with `snapshotter` to unpack into; answers once it serves. */
export async function startContainerd(snapshotter: Snapshotter): Promise<Containerd> {
  const major = await containerdMajor();
  const root = await mkdtemp(join(tmpdir(), 'ctrd-'));
  const config = `version = ${major < 2 ? 2 : 3}
root = ${quote(join(root, 'root'))}
state = ${quote(join(root, 'state'))}
disabled_plugins = [${DISABLED.map(quote).join(', ')}]
[grpc]
  address = ${quote(join(root, 'c.sock'))}
[plugins."io.containerd.gc.v1.scheduler"]
  deletion_threshold = 1
  schedule_delay = "0ms"
  startup_delay = "100ms"
${proxyLines(snapshotter)}${major < 2 ? '' : unpackLines(snapshotter)}`;
  for (const name of ['root', 'said']) await mkdir(join(root, name));
  await writeFile(join(root, 'config.toml'), config);
  const containerd = new Containerd(root, major);
  try {
    await containerd.start();
  } catch (error) {
    await containerd.remove();
    throw error;
  }
  return containerd;
}

function proxyLines({ name, address }: Snapshotter): string {
  return address === null ? '' : `[proxy_plugins.${name}]\n  type = "snapshot"\n  address = ${quote(address)}\n`;
}

/** 2.x unpacks only into the snapshotters that its transfer service knows. */
function unpackLines({ name }: Snapshotter): string {
  return `[[plugins."io.containerd.transfer.v1.local".unpack_config]]
  platform = "linux/${arch() === 'x64' ? 'amd64' : arch()}"
  snapshotter = ${quote(name)}
`;
}

/** From 2.0 on its module's name, which comes before the version, ends with that: "github.com/containerd/containerd/v2 v2.2.7". */
async function containerdMajor(): Promise<number> {
  const { output } = await run(['containerd', '--version']);
  return Number(/\/v(\d+) /.exec(output)?.[1] ?? 1);
}

function run(command: readonly string[]): Promise<Outcome> {
  const options = { timeoutMs: COMMAND_LIMIT_MS, cwd: tmpdir(), env: environment(), onOutput: () => undefined };
  return runChild(command, options);
}

function quote(text: string): string {
  return JSON.stringify(text);
}

export class Containerd {
  readonly root: string;
  readonly major: number;
  readonly #logFile: string;
  #child: ChildProcess | null = null;

  constructor(root: string, major: number) {
    this.root = root;
    this.major = major;
    const { THINSNAP_TEST_LOGS: logs = root } = process.env;
    this.#logFile = join(logs, 'containerd.log');
  }

  async start(): Promise<void> {
    const log = await open(this.#logFile, 'a');
    try {
      const stdio = ['ignore' as const, log.fd, log.fd];
      this.#child = spawn('containerd', ['--config', join(this.root, 'config.toml')], { stdio, env: environment() });
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

  /** Options of a `ctr run` of whose container `said` asks. */
  get saidMount(): readonly string[] {
    return ['--mount', `type=bind,src=${this.#saidDir},dst=${SAID},options=rbind:rw`];
  }

  /**
   * What `script` writes that `action` runs in a container. Of one that ends at once, ctr may cancel its pipes before it has opened
   * them, and shows nothing (seen with 1.6); so the words come by a file. `name`: used once.
   */
  async said(name: string, script: string, action: (script: string) => Promise<unknown>): Promise<string> {
    const file = join(this.#saidDir, name);
    try {
      await action(`exec >${SAID}/${name}\n${script}`);
    } catch (error) {
      const said = await readFile(file, 'utf8').catch(() => '');
      throw new Error(`${error instanceof Error ? error.message : String(error)}\nThe script wrote: ${said}`, {
        cause: error,
      });
    }
    return readFile(file, 'utf8');
  }

  get #saidDir(): string {
    return join(this.root, 'said');
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
    return run(['ctr', '--address', join(this.root, 'c.sock'), ...args]);
  }

  async #shownLog(): Promise<string> {
    return (await readFile(this.#logFile, 'utf8').catch(() => '')).slice(-LOG_SHOWN_CHARS);
  }
}
