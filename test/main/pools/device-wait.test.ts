// Patience with what is not there yet: it waits for that and for nothing else, and has an end.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { whenThere } from '../../../src/main/pools/device-wait.ts';
import { FaultError } from '../../../src/shared/faults.ts';
import { faultOf } from '../../support/faults.ts';

const never = new AbortController().signal;

function missing(): Promise<never> {
  return Promise.reject(new FaultError('device-missing', 'Cannot use /dev/sdx: there is no such device'));
}

test('whenThere() tries again until nothing is missing, and says once what it waits for', async () => {
  const waits: string[] = [];
  let tries = 0;
  const action = async (): Promise<string> => {
    tries += 1;
    return tries < 3 ? missing() : 'there';
  };
  const onWait = (what: string): number => waits.push(what);
  assert.is(await whenThere(action, { limitMs: 60_000, signal: never, onWait }), 'there');
  assert.equal(waits, ['Cannot use /dev/sdx: there is no such device']);
});

test('whenThere() gives up after its limit, with what is missing', async () => {
  const fault = await faultOf(whenThere(missing, { limitMs: 1, signal: never, onWait: () => undefined }));
  assert.is(fault.code, 'device-missing');
  assert.match(fault.message, /no such device, after 0.001 s$/);
});

test('whenThere() waits for nothing but what is missing', async () => {
  let tries = 0;
  const action = async (): Promise<never> => {
    tries += 1;
    throw new FaultError('pool-unsound', 'Cannot use it');
  };
  assert.is(
    (await faultOf(whenThere(action, { limitMs: 60_000, signal: never, onWait: () => undefined }))).code,
    'pool-unsound',
  );
  assert.is(tries, 1);
});

test('whenThere() ends when nobody wants the outcome any more', async () => {
  const stop = new AbortController();
  const fault = await faultOf(whenThere(missing, { limitMs: 60_000, signal: stop.signal, onWait: () => stop.abort() }));
  assert.is(fault.code, 'unavailable');
});

test.run();
