// Someone who writes and syncs in a mounted file system without a pause, as a container does.

import { spawn } from 'node:child_process';

const SCRIPT =
  'n=0; while :; do n=$((n + 1)); echo $n >"$1/f$((n % 50))"; mkdir -p "$1/d$n"; rmdir "$1/d$n"; echo; done';

export async function withWriter<Value>(root: string, action: () => Promise<Value>): Promise<Value> {
  const writer = spawn('sh', ['-c', SCRIPT, 'sh', root], { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = new Promise((resolve) => writer.once('exit', resolve));
  await new Promise((resolve) => writer.stdout.once('data', resolve));
  writer.stdout.resume();
  try {
    return await action();
  } finally {
    writer.kill('SIGKILL');
    await ended;
  }
}
