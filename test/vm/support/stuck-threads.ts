// Threads of a process, and of its children, that are stuck in the kernel.

import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { shell } from './shell.ts';

/** A kernel call that holds a thread for longer than this is stuck, on a slow machine too. */
const STUCK_MS = 1_000;

export async function stuckThreads(pid: number): Promise<readonly string[]> {
  const first = await sleepingThreads(pid);
  await sleep(STUCK_MS);
  const second = await sleepingThreads(pid);
  return first.filter((thread) => second.includes(thread));
}

async function sleepingThreads(parent: number): Promise<readonly string[]> {
  const children = await shell('pgrep', '-P', String(parent)).catch(() => '');
  const found: string[] = [];
  for (const pid of [String(parent), ...children.split('\n').filter(Boolean)]) {
    for (const task of await readdir(`/proc/${pid}/task`).catch(() => [])) {
      const stat = await readFile(`/proc/${pid}/task/${task}/stat`, 'utf8').catch(() => '');
      if (/\) D /.test(stat)) found.push(`${pid}/${task}`);
    }
  }
  return found;
}
