// What system calls throw as faults: what was found, and what to do about it.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { asFault, errnoOf, withErrno } from '../../src/workers/errno.ts';
import { faultOf } from '../support/faults.ts';

const test = suite('errno');

function failed(code: string): Error {
  return Object.assign(new Error(`${code}: in Node's own words`), { code });
}

test('withErrno() says what could not be done, what was found, and what to do about it where there is something', async () => {
  const codes: Readonly<Record<string, RegExp>> = {
    ENOSPC: /^no-space: Cannot copy it: ENOSPC\. Make room on its file system$/,
    EROFS: /^io: Cannot copy it: EROFS\. Its file system is read-only: .* restart thinsnapd$/,
    EMFILE: /^overloaded: Cannot copy it: EMFILE\. Raise the limit .*$/,
    ENOENT: /^not-found: Cannot copy it: ENOENT$/,
    EPERM: /^io: Cannot copy it: EPERM$/,
  };
  for (const [code, says] of Object.entries(codes)) {
    const fault = await faultOf(withErrno('copy it', () => Promise.reject(failed(code))));
    assert.match(`${fault.code}: ${fault.message}`, says);
  }
  assert.is(await withErrno('copy it', async () => 'done'), 'done');
});

test('asFault() leaves what is no failed system call as it is', () => {
  for (const error of [new Error('plain'), failed('ERR_INVALID_ARG_TYPE'), 'text']) {
    assert.is(asFault('copy it', error), error);
    assert.is(errnoOf(error), null);
  }
});

test.run();
