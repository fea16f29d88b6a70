// What systemd is told, by a systemd-notify that writes down what it is started with. A real systemd is vm/systemd's.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { announceServing } from '../../src/main/service-manager.ts';
import { faultOf } from '../support/faults.ts';
import { withFakeTools } from '../support/scratch.ts';

const SERVICE = { NOTIFY_SOCKET: '/run/notify' };
/** Beside the tools' directory. */
const SAID = '"$(dirname "$0")/../said"';

/** What the tool wrote into `SAID` while `socket` was the service's. */
async function announced(socket: { readonly NOTIFY_SOCKET?: string }, script: string): Promise<string> {
  let said = '';
  await withFakeTools({ 'systemd-notify': script }, async (dir) => {
    await announceServing({ ...process.env, NOTIFY_SOCKET: undefined, ...socket });
    said = await readFile(join(dir, 'said'), 'utf8').catch(() => '');
  });
  return said;
}

test('announceServing() says nothing where systemd did not ask', async () => {
  assert.is(await announced({}, `echo "$@" >${SAID}`), '');
});

test('announceServing() says that it is ready, on the socket it was given', async () => {
  assert.is(await announced(SERVICE, `echo "$@ $NOTIFY_SOCKET" >${SAID}`), '--ready /run/notify\n');
});

test('announceServing() fails with what to do when systemd cannot be told', async () => {
  const fault = await faultOf(announced(SERVICE, 'echo no >&2; exit 1'));
  assert.is(fault.code, 'unavailable');
  assert.match(fault.message, /^Cannot tell systemd .*Type=exec in the unit/s);
});

test.run();
