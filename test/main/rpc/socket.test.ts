// The socket's path: what is stale goes, what is alive or somebody else's stays.

import { lstat, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { clearSocketPath } from '../../../src/main/rpc/socket.ts';
import { faultOf } from '../../support/faults.ts';
import { withNodeChild } from '../../support/node-child.ts';
import { withScratch } from '../../support/scratch.ts';

const LISTENER = `
  import { createServer } from 'node:net';
  createServer().listen(process.argv[1], () => process.stdout.write('listening\\n'));`;

async function withListener(address: string, action: (server: Server) => Promise<void>): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(address, resolve));
  try {
    await action(server);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

test('clearSocketPath makes the directory, for its owner alone', async () => {
  await withScratch(async (dir) => {
    const address = join(dir, 'a', 'b', 'socket');
    await clearSocketPath(address);
    assert.is((await stat(dirname(address))).mode & 0o777, 0o700);
  });
});

test('clearSocketPath takes away a socket whose listener was killed', async () => {
  await withScratch(async (dir) => {
    const address = join(dir, 'socket');
    await withNodeChild(LISTENER, [address], async (child) => {
      await child.nextLine();
      const fault = await faultOf(clearSocketPath(address));
      assert.is(fault.code, 'unavailable');
      assert.match(fault.message, new RegExp(`: process ${child.pid} does\\.`));
      await child.kill();
      assert.ok((await lstat(address)).isSocket());
      await clearSocketPath(address);
      assert.is(await lstat(address).catch(() => null), null);
    });
  });
});

test('clearSocketPath names a listener that is stopped and takes no connection', async () => {
  await withScratch(async (dir) => {
    for (const address of ['a', 'b', 'c', 'd'].map((name) => join(dir, name))) {
      await withNodeChild(LISTENER, [address], async (child) => {
        await child.nextLine();
        process.kill(child.pid, 'SIGSTOP');
        assert.match((await faultOf(clearSocketPath(address))).message, new RegExp(`process ${child.pid} does`));
      });
    }
  });
});

test('clearSocketPath names the listener of a socket that has clients, and leaves it alone', async () => {
  await withScratch(async (dir) => {
    const address = join(dir, 'socket');
    await withNodeChild(LISTENER, [address], async (child) => {
      await child.nextLine();
      const clients = Array.from({ length: 8 }, () => connect({ path: address }));
      try {
        await Promise.all(clients.map((client) => new Promise((resolve) => client.once('connect', resolve))));
        for (let attempt = 0; attempt < 8; attempt += 1) {
          assert.match((await faultOf(clearSocketPath(address))).message, new RegExp(`process ${child.pid} does`));
        }
        assert.ok((await lstat(address)).isSocket());
      } finally {
        for (const client of clients) client.destroy();
      }
    });
  });
});

test('clearSocketPath leaves alone whatever is no socket', async () => {
  await withScratch(async (dir) => {
    const [file, folder, link] = [join(dir, 'file'), join(dir, 'folder'), join(dir, 'link')];
    await writeFile(file, 'kept');
    await mkdir(folder);
    await withListener(join(dir, 'live'), async () => {
      await symlink(join(dir, 'live'), link);
      for (const address of [file, folder, link]) {
        const fault = await faultOf(clearSocketPath(address));
        assert.is(fault.code, 'unavailable');
        assert.match(fault.message, /there is something that is not a socket/);
      }
    });
    assert.is(await readFile(file, 'utf8'), 'kept');
    assert.ok((await lstat(link)).isSymbolicLink());
  });
});

test.run();
