// A systemd that is real and not the machine's first process: a user's, of root, in a cgroup of its own. What it has that matters here,
// units, their restarts and its socket for readiness, is the system's.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { until } from '../../support/until.ts';
import { withTimeout } from '../../support/with-timeout.ts';
import { shell } from './shell.ts';

const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 60_000;
const CGROUP = '/sys/fs/cgroup/thinsnap-test-systemd';
/** Where systemd looks whether a system manager booted this machine. */
const BOOTED = '/run/systemd/system';

export class UserSystemd {
  readonly #runtime: string;
  readonly #child: ChildProcess;

  private constructor(runtime: string, child: ChildProcess) {
    this.#runtime = runtime;
    this.#child = child;
  }

  static async start(): Promise<UserSystemd> {
    await mkdir(BOOTED, { recursive: true });
    await mkdir(CGROUP);
    const runtime = await mkdtemp(join(tmpdir(), 'thinsnap-test-'));
    const script = `echo $$ >${CGROUP}/cgroup.procs && exec /lib/systemd/systemd --user`;
    const env = { ...process.env, XDG_RUNTIME_DIR: runtime, HOME: '/root' };
    const child = spawn('sh', ['-c', script], { env, stdio: 'inherit' });
    const systemd = new UserSystemd(runtime, child);
    const look = async (): Promise<true | null> =>
      systemd.ctl('show', '-p', 'Version').then(
        () => true,
        () => null,
      );
    await until(START_LIMIT_MS, look, () => 'systemd does not run');
    return systemd;
  }

  /** The unit of that file, with what an administrator would add in a drop-in. */
  async install(file: string, dropIn: string): Promise<void> {
    const name = basename(file);
    const units = join(this.#runtime, 'systemd', 'user');
    await mkdir(join(units, `${name}.d`), { recursive: true });
    await copyFile(file, join(units, name));
    await writeFile(join(units, `${name}.d`, 'test.conf'), dropIn);
    await this.ctl('daemon-reload');
  }

  /** What `systemctl` answers; fails when it does. */
  ctl(...words: readonly string[]): Promise<string> {
    return shell('env', `XDG_RUNTIME_DIR=${this.#runtime}`, 'systemctl', '--user', '--no-pager', ...words);
  }

  property(unit: string, name: string): Promise<string> {
    return this.ctl('show', unit, '--value', '-p', name);
  }

  async stop(): Promise<void> {
    const gone = once(this.#child, 'exit');
    await this.ctl('exit');
    await withTimeout(gone, STOP_LIMIT_MS, "systemd's end");
    await shell('sh', '-c', `find ${CGROUP} -depth -type d -exec rmdir {} +`);
    await rm(this.#runtime, { recursive: true, force: true });
    await rm(BOOTED, { recursive: true });
  }
}
