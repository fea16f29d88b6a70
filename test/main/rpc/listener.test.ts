// Who may connect to the socket, and how many.

import { mkdir, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Server } from '@grpc/grpc-js';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CONNECTIONS_MAX, findAccess, listen, OWNER_ONLY, type SocketAccess } from '../../../src/main/rpc/listener.ts';
import { drain } from '../../../src/main/rpc/server.ts';
import { faultOf } from '../../support/faults.ts';
import { RawConnection } from '../../support/http2-frames.ts';
import { asRootWith } from '../../support/requirements.ts';
import { withScratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';

const DRAIN_MS = 100;
const LIMIT_MS = 10_000;
const GID = 54_321;

async function withSocket(
  access: SocketAccess,
  action: (address: string, dir: string) => Promise<void>,
): Promise<void> {
  await withScratch(async (dir) => {
    const address = join(dir, 'socket');
    const server = new Server();
    const listener = await listen(server, address, access);
    try {
      await action(address, dir);
    } finally {
      await drain(server, listener, DRAIN_MS);
    }
  });
}

for (const umask of [0o000, 0o077, 0o777]) {
  test(`listen() makes a socket for its owner alone when the umask is ${umask.toString(8)}, and leaves that as it was`, async () => {
    const before = process.umask(umask);
    try {
      await withSocket(OWNER_ONLY, async (address) => {
        assert.is((await stat(address)).mode & 0o777, 0o600);
        assert.is(process.umask(umask), umask);
      });
    } finally {
      process.umask(before);
    }
  });
}

asRootWith(test)('listen() gives the socket to the group that may connect', async () => {
  await withScratch(async (dir) => {
    const address = join(dir, 'open', 'socket');
    await mkdir(join(dir, 'open'), { mode: 0o755 });
    const server = new Server();
    const listener = await listen(server, address, { mode: 0o660, gid: GID });
    const { mode, gid } = await stat(address);
    assert.equal([mode & 0o777, gid], [0o660, GID]);
    await drain(server, listener, DRAIN_MS);
  });
});

test('listen() refuses a group that the socket’s directory keeps out', async () => {
  await withScratch(async (dir) => {
    const fault = await faultOf(listen(new Server(), join(dir, 'socket'), { mode: 0o660, gid: GID }));
    assert.is(fault.code, 'precondition');
    assert.is(
      fault.message,
      `Cannot let socket_group in: ${dir} is closed to group ${GID}. Run: chgrp ${GID} ${dir} && chmod g+x ${dir}`,
    );
  });
});

test('listen() leaves alone what has the path', async () => {
  await withScratch(async (dir) => {
    const address = join(dir, 'file');
    await writeFile(address, 'kept');
    assert.is((await faultOf(listen(new Server(), address, OWNER_ONLY))).code, 'unavailable');
    assert.ok((await stat(address)).isFile());
  });
});

test('listen() closes what is more than the connections it takes, and takes others when some have gone', async () => {
  await withSocket(OWNER_ONLY, async (address) => {
    const taken = await Promise.all(Array.from({ length: CONNECTIONS_MAX }, () => RawConnection.start(address)));
    const more = await RawConnection.start(address);
    await more.ended();
    assert.is(taken.filter(({ gone }) => gone).length, 0);
    for (const connection of taken) connection.close();
    await until(
      LIMIT_MS,
      async () => ((await isTaken(address)) ? true : null),
      () => 'no connection was taken',
    );
  });
});

/** Whether the server says something: it does so first. */
function isTaken(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(address);
    const settle = (taken: boolean): void => {
      socket.destroy();
      resolve(taken);
    };
    socket
      .once('data', () => settle(true))
      .once('error', () => settle(false))
      .once('close', () => settle(false));
  });
}

test('findAccess() takes a group by its number or by its name, and refuses one that is not there', async () => {
  assert.equal(await findAccess(0o660, null), { mode: 0o660, gid: null });
  assert.equal(await findAccess(0o660, '54321'), { mode: 0o660, gid: GID });
  assert.equal(await findAccess(0o660, 'root'), { mode: 0o660, gid: 0 });
  const fault = await faultOf(findAccess(0o660, 'no-such-group'));
  assert.is(fault.code, 'precondition');
  assert.match(fault.message, /^Cannot let socket_group "no-such-group" in: \/etc\/group has no such group/);
});

test.run();
