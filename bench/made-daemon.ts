// A daemon on a catalog that was made beforehand, with snapshots as a busy node has them, and what the kernel says of
// its process. The snapshots are on blockfile volumes, whose files are not there: nothing looks at them before they are
// asked for.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Catalog } from '../src/main/catalog/catalog.ts';
import type { Change } from '../src/main/catalog/tables.ts';
import { Daemon } from '../test/support/daemon.ts';
import { nodeRecords, toChanges } from './node-records.ts';

/** Changes of one write while the catalog is made. */
const CHANGES_PER_WRITE = 1_000;
/** USER_HZ, which proc(5) counts CPU time in: 100 on every architecture that Node.js runs on. */
const TICKS_PER_SECOND = 100;
/** proc(5): utime and stime are fields 14 and 15; those after the name, which may hold spaces, begin with field 3. */
const UTIME = 14 - 3;
const STIME = 15 - 3;

/** Runs `action` with a daemon that has `count` snapshots and is not started yet, and with their keys. */
export async function withMadeDaemon(
  count: number,
  action: (daemon: Daemon, keys: readonly string[]) => Promise<void>,
): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'thinsnap-bench-'));
  try {
    const rootPath = join(root, 'state');
    const address = join(root, 'thinsnap.sock');
    const keys = await makeCatalog(rootPath, count);
    const config = `root_path = "${rootPath}"\naddress = "${address}"\nvolumes = "blockfile"\n`;
    await writeFile(join(root, 'config.toml'), config);
    const daemon = new Daemon(root, address, {});
    try {
      await action(daemon, keys);
    } finally {
      await daemon.remove();
    }
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** Answers the keys of the snapshots. */
export async function makeCatalog(rootPath: string, count: number): Promise<readonly string[]> {
  const catalog = await Catalog.open(rootPath);
  const keys: string[] = [];
  try {
    await catalog.setIdentity({ kind: 'blockfile' });
    let changes: Change[] = [];
    for (const record of nodeRecords(count)) {
      keys.push(record.snapshot.key);
      changes.push(...toChanges(record));
      catalog.newDeviceId();
      if (changes.length < CHANGES_PER_WRITE) continue;
      await catalog.write(changes);
      changes = [];
    }
    await catalog.write(changes);
  } finally {
    await catalog.close();
  }
  return keys;
}

/** Microseconds that all threads of the process have computed. */
export async function cpuUsOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[UTIME]) + Number(fields[STIME])) * 1_000_000) / TICKS_PER_SECOND;
}

/** What the process has in memory, and the most that it ever had. */
export async function memoryOf(pid: number): Promise<{ readonly residentMib: number; readonly peakMib: number }> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8');
  const mib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]) / 1024;
  return { residentMib: mib('VmRSS'), peakMib: mib('VmHWM') };
}
