// The way to the socket's path: its directory, and whether somebody is there already. A socket that nobody listens on is
// replaced; anything else that has the path is left alone.

import { lstat, mkdir, readdir, readFile, readlink, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { FaultError } from '../../shared/faults.ts';

/** A socket of this machine answers at once or not at all. */
const CONNECT_LIMIT_MS = 2000;

/** Makes the socket's directory (0700) and its path free. Fault `unavailable` when something else has the path. */
export async function clearSocketPath(address: string): Promise<void> {
  await mkdir(dirname(address), { recursive: true, mode: 0o700 });
  const found = await lstat(address).catch(() => null);
  if (found === null) return;
  if (!found.isSocket()) {
    throw new FaultError(
      'unavailable',
      `Cannot listen on ${address}: there is something that is not a socket. Remove it or set another address`,
    );
  }
  if (await answers(address)) {
    const pid = await listenerPid(address);
    const holder = pid === null ? 'another process' : `process ${pid}`;
    throw new FaultError('unavailable', `Cannot listen on ${address}: ${holder} does. Stop it or set another address`);
  }
  await unlink(address);
}

function answers(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path: address });
    const settle = (alive: boolean): void => {
      socket.destroy();
      resolve(alive);
    };
    socket.setTimeout(CONNECT_LIMIT_MS, () => settle(true));
    socket.on('connect', () => settle(true));
    // EACCES and the like come from somebody's socket; only a refusal says that nobody listens.
    socket.on('error', (error) =>
      settle(!('code' in error && (error.code === 'ECONNREFUSED' || error.code === 'ENOENT'))),
    );
  });
}

/** Who listens there, by the inode that /proc/net/unix has for the path; null when it cannot be seen. */
async function listenerPid(address: string): Promise<number | null> {
  const table = await readFile('/proc/net/unix', 'utf8').catch(() => '');
  const line = table.split('\n').find((row) => row.endsWith(` ${address}`));
  const inode = line?.trim().split(/\s+/)[6];
  if (inode === undefined) return null;
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const files = await readdir(`/proc/${pid}/fd`).catch(() => []);
    for (const file of files) {
      const target = await readlink(`/proc/${pid}/fd/${file}`).catch(() => '');
      if (target === `socket:[${inode}]`) return Number(pid);
    }
  }
  return null;
}
