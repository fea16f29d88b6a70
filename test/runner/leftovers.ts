// What a test file left on the machine: processes, mounts, loop and dm devices. On a machine that others use as well,
// only what carries the file's own temporary directory counts; in a guest, which is ours, everything that was not there
// at the start.

import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { runChild } from './child.ts';

const GONE_POLL_MS = 100;
const TIDY_TIMEOUT_MS = 20_000;

export type Scope = 'own' | 'machine';

interface Trace {
  readonly what: string;
  /** Sorts what must go first: processes hold mounts, mounts hold devices. */
  readonly tidy: readonly string[];
}

export class Leftovers {
  readonly #scope: Scope;
  readonly #directory: string;
  #known: ReadonlySet<string> = new Set();

  constructor(scope: Scope, directory: string) {
    this.#scope = scope;
    this.#directory = directory;
  }

  /** Takes what is there now as none of the tests' doing. */
  async remember(): Promise<void> {
    this.#known = new Set((await this.#look()).map((trace) => trace.what));
  }

  /** What is there and was not, after waiting up to `waitMs` for it to go. Removed as far as it can be. */
  async collect(waitMs: number): Promise<readonly string[]> {
    const deadlineMs = performance.now() + waitMs;
    let left = await this.#new();
    while (left.length > 0 && performance.now() < deadlineMs) {
      await sleep(GONE_POLL_MS);
      left = await this.#new();
    }
    for (const { tidy } of left) {
      const options = { timeoutMs: TIDY_TIMEOUT_MS, cwd: '/', env: process.env, onOutput: () => undefined };
      await runChild(tidy, options);
    }
    return left.map((trace) => trace.what);
  }

  async #new(): Promise<readonly Trace[]> {
    return (await this.#look()).filter((trace) => !this.#known.has(trace.what));
  }

  async #look(): Promise<readonly Trace[]> {
    const devices = this.#scope === 'machine' ? await dmDevices() : [];
    return [...(await this.#processes()), ...(await this.#mounts()), ...devices, ...(await this.#loops())];
  }

  /** Those that have inherited the directory in their environment; a daemon's tools have another, and work on a file in it. */
  async #processes(): Promise<readonly Trace[]> {
    const traces: Trace[] = [];
    for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
      const command = (await readOr(`/proc/${pid}/cmdline`, '')).replaceAll('\0', ' ').trim();
      const inherited = (await readOr(`/proc/${pid}/environ`, '')).includes(`TMPDIR=${this.#directory}\0`);
      if (!inherited && !command.includes(`${this.#directory}/`)) continue;
      traces.push({ what: `process ${pid}: ${command}`, tidy: ['kill', '-KILL', pid] });
    }
    return traces;
  }

  async #mounts(): Promise<readonly Trace[]> {
    const lines = (await readFile('/proc/self/mountinfo', 'utf8')).trimEnd().split('\n');
    return lines
      .map((line) => line.split(' ')[4] ?? '')
      .filter((path) => this.#scope === 'machine' || path.startsWith(`${this.#directory}/`))
      .map((path) => ({ what: `mount ${path}`, tidy: ['umount', '-l', path] }))
      .reverse();
  }

  async #loops(): Promise<readonly Trace[]> {
    const traces: Trace[] = [];
    for (const name of (await readdir('/sys/block')).filter((block) => block.startsWith('loop'))) {
      const file = (await readOr(`/sys/block/${name}/loop/backing_file`, '')).trim();
      if (file === '' || (this.#scope === 'own' && !file.startsWith(`${this.#directory}/`))) continue;
      traces.push({ what: `loop device ${name}: ${file}`, tidy: ['losetup', '-d', `/dev/${name}`] });
    }
    return traces;
  }
}

/** Newest first: what is stacked on others was made after them. */
async function dmDevices(): Promise<readonly Trace[]> {
  const blocks = (await readdir('/sys/block')).filter((name) => /^dm-\d+$/.test(name));
  blocks.sort((a, b) => Number(b.slice(3)) - Number(a.slice(3)));
  const traces: Trace[] = [];
  for (const block of blocks) {
    const name = (await readOr(`/sys/block/${block}/dm/name`, '')).trim();
    if (name !== '')
      traces.push({ what: `dm device ${name}`, tidy: ['dmsetup', 'remove', '--force', '--retry', name] });
  }
  return traces;
}

/** Processes and devices go while they are looked at. */
async function readOr(path: string, otherwise: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return otherwise;
  }
}
