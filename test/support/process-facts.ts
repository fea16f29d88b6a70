// What the kernel says of a process: its memory, its open files, its threads, its children.

import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';

/** LevelDB opens a table when it first needs it, up to a limit of its own. */
const LEVEL_FILE = /\/catalog\/[^/]+$/;
/**
 * What libuv opens for each event loop: epoll, an eventfd, a pipe for signals and, with its first stream, /dev/null. A worker has a
 * loop and starts when there is work for it. (Node.js talks to its children by sockets.)
 */
const LOOP_FILE = /^(anon_inode:\[event(poll|fd)\]|pipe:\[\d+\]|\/dev\/null)$/;
/** The door to device-mapper, one for each worker that was ever asked for a device: no more of them than there are threads. */
const CONTROL_FILE = '/dev/mapper/control';

export interface ProcessFacts {
  readonly rssBytes: number;
  /** What its open files are, without the database's, those of event loops, and one door to device-mapper for each thread. */
  readonly files: readonly string[];
  readonly threads: number;
  readonly children: number;
}

export async function factsOf(pid: number): Promise<ProcessFacts> {
  const [status, opened, tasks] = await Promise.all([
    readFile(`/proc/${pid}/status`, 'utf8'),
    openFiles(pid),
    readdir(`/proc/${pid}/task`),
  ]);
  const controls = opened.filter((file) => file === CONTROL_FILE);
  // A thread that ends meanwhile has no children any more.
  const children = await Promise.all(
    tasks.map((task) => readFile(`/proc/${pid}/task/${task}/children`, 'utf8').catch(() => '')),
  );
  return {
    rssBytes: Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024,
    files: [...opened.filter((file) => file !== CONTROL_FILE), ...controls.slice(tasks.length)],
    threads: tasks.length,
    children: children.join(' ').split(/\s+/).filter(Boolean).length,
  };
}

async function openFiles(pid: number): Promise<readonly string[]> {
  const folder = `/proc/${pid}/fd`;
  // One that is closed meanwhile is none.
  const targets = await Promise.all(
    (await readdir(folder)).map((name) => readlink(join(folder, name)).catch(() => null)),
  );
  return targets
    .filter((target) => target !== null)
    .filter((target) => !LEVEL_FILE.test(target) && !LOOP_FILE.test(target));
}

/** Whether it can still do anything: one that has ended and was not waited for cannot. */
export async function isAtWork(pid: number): Promise<boolean> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  // "PID (NAME) STATE ...": proc(5).
  return text !== null && !/\) [ZX]/.test(text);
}
