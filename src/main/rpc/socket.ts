// The way to the socket's path: its directory, and whether somebody is there already. A socket that nobody listens on is
// replaced; anything else that has the path is left alone.

import { chmod, chown, lstat, mkdir, readdir, readFile, readlink, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { FaultError } from '../../shared/faults.ts';
import { whoElseMayReplace } from '../trust.ts';

/** A socket of this machine answers at once or not at all. */
const CONNECT_LIMIT_MS = 2000;

/**
 * Makes the socket's directory (0700, or 0750 with `gid`, whose members may pass) and its path free. Faults: `unavailable`
 * when something else has the path, `precondition` when anyone could put a socket of theirs there.
 */
export async function clearSocketPath(address: string, gid: number | null = null): Promise<void> {
  const directory = dirname(address);
  const made = await mkdir(directory, { recursive: true, mode: 0o700 });
  if (made !== undefined && gid !== null) {
    await chown(directory, process.geteuid?.() ?? 0, gid);
    await chmod(directory, 0o750);
  }
  const replaceable = await whoElseMayReplace(address);
  if (replaceable !== null) throw new FaultError('precondition', `Cannot listen on ${address}: ${replaceable}`);
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

/** Flags of a listening socket in /proc/net/unix: __SO_ACCEPTCON (net/unix/af_unix.c). Its connections have the path too. */
const LISTENING_FLAGS = '00010000';

/** Who listens there, by the inode that /proc/net/unix has for the path; null when it cannot be seen. */
async function listenerPid(address: string): Promise<number | null> {
  const table = await readFile('/proc/net/unix', 'utf8').catch(() => '');
  const rows = table.split('\n').filter((row) => row.endsWith(` ${address}`));
  // Num RefCount Protocol Flags Type St Inode Path
  const listener = rows.map((row) => row.trim().split(/\s+/)).find((fields) => fields[3] === LISTENING_FLAGS);
  const inode = listener?.[6];
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
