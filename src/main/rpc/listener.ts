// The unix socket itself: who may connect to it, how many at once, and how long one may connect and say nothing. What
// connects is given to grpc-js, which knows none of these bounds.

import { chmod, chown, readFile, stat } from 'node:fs/promises';
import { createServer, type Server as NetServer, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { type Server, ServerCredentials } from '@grpc/grpc-js';
import { FaultError } from '../../shared/faults.ts';

/** containerd has one connection, and every other client some; what comes beyond them is closed at once. */
export const CONNECTIONS_MAX = 512;
/** The least that a client of HTTP/2 says by itself: 24 bytes of preface and an empty SETTINGS frame (RFC 9113, 3.4). */
const GREETING_BYTES = 33;
export const GREETING_LIMIT_MS = 10_000;
const GROUPS_FILE = '/etc/group';

/** Beside the daemon's own user, who may connect. */
export interface SocketAccess {
  readonly mode: number;
  /** null: the daemon's own group. */
  readonly gid: number | null;
}

export const OWNER_ONLY: SocketAccess = { mode: 0o600, gid: null };

/** `group`: by name or number. Fault `precondition` when there is none of that name. */
export async function findAccess(mode: number, group: string | null): Promise<SocketAccess> {
  return { mode, gid: group === null ? null : await findGroup(group) };
}

/**
 * Listens at `address`, whose path is free, and gives `server` what connects. Nobody but the daemon's user may connect before
 * mode and group are what was asked for. Faults: `precondition` when the group cannot get there, `unavailable`.
 */
export async function listen(server: Server, address: string, { mode, gid }: SocketAccess): Promise<NetServer> {
  if (gid !== null) await checkWay(address, gid);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const listener = createServer((socket) => {
    expectGreeting(socket);
    injector.injectConnection(socket);
  });
  listener.maxConnections = CONNECTIONS_MAX;
  try {
    await bind(listener, address);
    if (gid !== null) await chown(address, process.geteuid?.() ?? 0, gid);
    await chmod(address, mode);
  } catch (error) {
    listener.close();
    throw new FaultError('unavailable', `Cannot listen on ${address}: ${String(error)}`, { cause: error });
  }
  return listener;
}

/** A directory that was made for root alone keeps the group out, whatever the socket's mode is. */
async function checkWay(address: string, gid: number): Promise<void> {
  const directory = dirname(address);
  const found = await stat(directory);
  if ((found.mode & 0o001) !== 0 || (found.gid === gid && (found.mode & 0o010) !== 0)) return;
  const advice = `Run: chgrp ${gid} ${directory} && chmod g+x ${directory}`;
  throw new FaultError('precondition', `Cannot let socket_group in: ${directory} is closed to group ${gid}. ${advice}`);
}

async function bind(listener: NetServer, address: string): Promise<void> {
  const umask = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      listener.once('error', reject).listen(address, () => {
        listener.off('error', reject);
        resolve();
      });
    });
  } finally {
    process.umask(umask);
  }
}

/** nghttp2 ends a connection that begins with anything else, and waits for ever for one that begins with nothing. */
function expectGreeting(socket: Socket): void {
  const timer = setTimeout(() => {
    if (socket.bytesRead < GREETING_BYTES) socket.destroy();
  }, GREETING_LIMIT_MS);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
}

/** The number of a group. Node.js asks no name service, so a name must be in the machine's own file. */
async function findGroup(group: string): Promise<number> {
  if (/^\d+$/.test(group)) return Number(group);
  const lines = (await readFile(GROUPS_FILE, 'utf8').catch(() => '')).split('\n');
  // name:password:number:members (group(5))
  const gid = lines.map((line) => line.split(':')).find(([name]) => name === group)?.[2];
  if (gid !== undefined && /^\d+$/.test(gid)) return Number(gid);
  throw new FaultError(
    'precondition',
    `Cannot let socket_group "${group}" in: ${GROUPS_FILE} has no such group. Make it, or set its number`,
  );
}
