// What systemd is told, by a systemd-notify that writes down what it is started with. A real systemd is vm/systemd's.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { announceServing } from '../../src/main/service-manager.ts';
import { faultOf } from '../support/faults.ts';

/** The lines that the tool wrote while `socket` was the service's. */
async function announced(socket: string | null, script: string): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'thinsnap-test-'));
  const said = join(dir, 'said');
  await writeFile(join(dir, 'systemd-notify'), `#!/bin/sh\n${script.replace('SAID', said)}\n`, { mode: 0o755 });
  try {
    await announceServing({ THINSNAP_TOOL_PATH: dir, ...(socket === null ? {} : { NOTIFY_SOCKET: socket }) });
    return await readFile(said, 'utf8').catch(() => '');
  } finally {
    await rm(dir, { recursive: true });
  }
}

test('announceServing() says nothing where systemd did not ask', async () => {
  assert.is(await announced(null, 'echo "$@" >SAID'), '');
});

test('announceServing() says that it is ready, on the socket it was given', async () => {
  assert.is(await announced('/run/notify', 'echo "$@ $NOTIFY_SOCKET" >SAID'), '--ready /run/notify\n');
});

test('announceServing() fails with what to do when systemd cannot be told', async () => {
  const fault = await faultOf(announced('/run/notify', 'echo no >&2; exit 1'));
  assert.is(fault.code, 'unavailable');
  assert.match(fault.message, /^Cannot tell systemd .*Type=exec in the unit/s);
});

test.run();
