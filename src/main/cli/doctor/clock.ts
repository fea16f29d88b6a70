// The clock: containerd's garbage collection goes by the times of records, so one that is wrong or was set back matters.

import { access, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { error, type Finding, groupOf, ok, type Subject, warning } from './finding.ts';

/** The daemon's first release: no clock is right that is before it. */
const EARLIEST = Date.parse('2026-01-01T00:00:00Z');
/** What a file system's and this clock may differ by. */
const TOLERANCE_MS = 60_000;
/** systemd-timesyncd makes this file once it has heard from a server (systemd-timesyncd.service(8)). */
const TIMESYNC_FILE = '/run/systemd/timesync/synchronized';
const DAEMONS: ReadonlySet<string> = new Set(['chronyd', 'ntpd', 'openntpd', 'ptp4l', 'systemd-timesyn']);

export interface ClockFacts {
  readonly nowMs: number;
  /** When something under root_path was last written; null when there is nothing. */
  readonly newestMs: number | null;
  readonly isSynchronized: boolean;
  /** Of the programs that keep clocks right, one that runs. */
  readonly daemon: string | null;
}

export const clock = groupOf('clock', gatherClock, judgeClock);

async function gatherClock({ config }: Subject): Promise<ClockFacts> {
  return {
    nowMs: Date.now(),
    newestMs: await newestIn([config.rootPath, join(config.rootPath, 'catalog')]),
    isSynchronized: await access(TIMESYNC_FILE).then(
      () => true,
      () => false,
    ),
    daemon: await runningDaemon(),
  };
}

async function newestIn(directories: readonly string[]): Promise<number | null> {
  let newest: number | null = null;
  for (const directory of directories) {
    for (const name of await readdir(directory).catch(() => [])) {
      const found = await stat(join(directory, name)).catch(() => null);
      if (found !== null) newest = Math.max(newest ?? 0, found.mtimeMs);
    }
  }
  return newest;
}

/** By the names that processes have, which the kernel cuts to 15 bytes (proc_pid_comm(5)). */
async function runningDaemon(): Promise<string | null> {
  for (const process of await readdir('/proc')) {
    if (!/^\d+$/.test(process)) continue;
    const name = (await readFile(`/proc/${process}/comm`, 'utf8').catch(() => '')).trim();
    if (DAEMONS.has(name)) return name;
  }
  return null;
}

export function judgeClock({ nowMs, newestMs, isSynchronized, daemon }: ClockFacts): readonly Finding[] {
  const shown = new Date(nowMs).toISOString();
  const fix = 'Set it right: timedatectl set-ntp true, or install chrony';
  if (nowMs < EARLIEST) return [error('time', `it is ${shown}, which cannot be`, fix)];
  const findings: Finding[] = [];
  if (newestMs !== null && newestMs > nowMs + TOLERANCE_MS) {
    const seconds = Math.round((newestMs - nowMs) / 1000);
    findings.push(warning('time', `it was set back: root_path was written ${seconds} s after now, ${shown}`, fix));
  } else {
    findings.push(ok('time', shown));
  }
  if (isSynchronized) findings.push(ok('synchronisation', 'systemd-timesyncd has heard from a server'));
  else if (daemon !== null) findings.push(ok('synchronisation', `${daemon} runs`));
  else findings.push(warning('synchronisation', 'nothing keeps the clock right', fix));
  return findings;
}
