// What the kernel says of a process: its memory, its open files, its threads, its children.

import { readdir, readFile } from 'node:fs/promises';

export interface ProcessFacts {
  readonly rssBytes: number;
  readonly files: number;
  readonly threads: number;
  readonly children: number;
}

export async function factsOf(pid: number): Promise<ProcessFacts> {
  const [status, files, tasks] = await Promise.all([
    readFile(`/proc/${pid}/status`, 'utf8'),
    readdir(`/proc/${pid}/fd`),
    readdir(`/proc/${pid}/task`),
  ]);
  // A thread that ends meanwhile has no children any more.
  const children = await Promise.all(
    tasks.map((task) => readFile(`/proc/${pid}/task/${task}/children`, 'utf8').catch(() => '')),
  );
  return {
    rssBytes: Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024,
    files: files.length,
    threads: tasks.length,
    children: children.join(' ').split(/\s+/).filter(Boolean).length,
  };
}

/** Whether it can still do anything: one that has ended and was not waited for cannot. */
export async function isAtWork(pid: number): Promise<boolean> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  // "PID (NAME) STATE ...": proc(5).
  return text !== null && !/\) [ZX]/.test(text);
}
