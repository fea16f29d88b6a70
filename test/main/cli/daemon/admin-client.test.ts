// A daemon that is not there, not allowed, stuck or another version: what people are told, and the exit status.

import { createServer } from 'node:net';
import { join } from 'node:path';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EXIT_FAILED, EXIT_NO_DAEMON } from '../../../../src/main/cli/command.ts';
import { withNodeChild } from '../../../support/node-child.ts';
import { withScratch } from '../../../support/scratch.ts';
import { run } from '../support.ts';

const test = suite('admin-client');

test('a command says that there is no such socket, and how to name another', async () => {
  await withScratch(async (dir) => {
    const { status, out, error } = await run('status', '--admin-address', join(dir, 'none.sock'));
    assert.is(status, EXIT_NO_DAEMON);
    assert.is(out, '');
    assert.is(
      error,
      `Cannot reach thinsnapd on ${join(dir, 'none.sock')}: there is no such socket. Start thinsnapd, or say where it is with --admin-address or --config\n`,
    );
  });
});

test('a command says that nobody listens any more', async () => {
  await withScratch(async (dir) => {
    const address = join(dir, 'left.sock');
    const script = `import { createServer } from 'node:net'; createServer().listen(process.argv[1], () => console.log('up'));`;
    await withNodeChild(script, [address], async (child) => {
      await child.nextLine();
      await child.kill();
    });
    const { status, error } = await run('ls', '--admin-address', address);
    assert.is(status, EXIT_NO_DAEMON);
    assert.match(error, /: nobody listens there\. It has ended: start it again\n$/);
  });
});

test('a command gives up on something that hangs up at once', async () => {
  await withScratch(async (dir) => {
    const address = join(dir, 'stuck.sock');
    const server = createServer((socket) => socket.destroy()).listen(address);
    const { status, error } = await run('gc', '--admin-address', address);
    server.close();
    assert.is(status, EXIT_NO_DAEMON);
    assert.match(error, /^Cannot reach thinsnapd on /);
  });
});

test('a command says that the daemon is another version when it does not know the call', async () => {
  await withScratch(async (dir) => {
    const address = join(dir, 'old.sock');
    const server = new Server();
    await new Promise<void>((resolve, reject) => {
      server.bindAsync(`unix:${address}`, ServerCredentials.createInsecure(), (error) =>
        error === null ? resolve() : reject(error),
      );
    });
    const { status, error } = await run('inspect', 'x', '--admin-address', address);
    server.forceShutdown();
    assert.is(status, EXIT_FAILED);
    assert.match(error, /it does not know this call\. It is another version: restart it\n$/);
  });
});

test('a command takes the socket from a configuration, and tells what is wrong with that', async () => {
  const missing = await run('status', '--config', '/nowhere/config.toml');
  assert.is(missing.status, EXIT_FAILED);
  assert.match(missing.error, /^Cannot use the configuration: 1 mistake found\n/);
});

test.run();
