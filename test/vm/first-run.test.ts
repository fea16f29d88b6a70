// From an empty disk to a running container in three commands, as docs/pools.md has them: with every default, and with a containerd
// that was told of the snapshotter. What is printed is the transcript that is shown there.
// vm: plain

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { GrpcClient, isServing } from '../support/grpc-client.ts';
import { until } from '../support/until.ts';
import { HELLO, sayHello } from './support/container.ts';
import { installInto } from './support/install.ts';
import { shell } from './support/shell.ts';

const ADDRESS = '/run/thinsnap/thinsnap.sock';
const START_LIMIT_MS = 120_000;

async function untilServing(daemon: ChildProcess): Promise<void> {
  const client = new GrpcClient(ADDRESS, { channels: 'own' });
  const look = async (): Promise<true | null> => {
    if (daemon.exitCode !== null) throw new Error(`thinsnapd ended with ${daemon.exitCode}`);
    return (await isServing(client)) ? true : null;
  };
  try {
    await until(START_LIMIT_MS, look, () => 'thinsnapd does not serve');
  } finally {
    client.close();
  }
}

function show(command: string, output: string): void {
  process.stdout.write(`$ ${command}\n${output}${output.endsWith('\n') ? '' : '\n'}`);
}

test('an empty disk becomes a pool, the pool a snapshotter, and the snapshotter has a container run', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'thinsnap-test-'));
  await installInto(dir);
  const command = async (line: string): Promise<string> => {
    const output = await shell('sh', '-c', `PATH=${dir}:$PATH; ${line} 2>&1 || echo "status $?"`);
    show(line, output);
    assert.not.match(output, /^status /m);
    return output;
  };
  assert.match(await command('thinsnap pool create --device /dev/vda --yes'), /pool_name = "thinsnap-pool"/);

  let printed = '';
  const daemon = spawn(join(dir, 'thinsnapd'), ['--pool-name', 'thinsnap-pool'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  daemon.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  try {
    await untilServing(daemon);
    show('thinsnapd --pool-name thinsnap-pool &', printed.replace(/^\{.*\n/gm, ''));

    await sayHello(ADDRESS, async () => {
      show(`ctr ${HELLO.map((word) => (word.includes(' ') ? `'${word}'` : word)).join(' ')}`, 'hello');
      assert.match(await command('thinsnap status'), /thinsnap-pool/);
    });
  } finally {
    daemon.kill('SIGTERM');
    if (daemon.exitCode === null) await once(daemon, 'exit');
  }
  await command('thinsnap pool remove --yes thinsnap-pool');
  assert.is(await shell('wipefs', '--noheadings', '/dev/vda'), '');
  // What LVM has started stays for its next pool.
  await shell('pkill', '-x', 'dmeventd').catch(() => undefined);
  for (const path of [dir, '/var/lib/thinsnap', '/etc/thinsnap']) await rm(path, { recursive: true, force: true });
});

test.run();
