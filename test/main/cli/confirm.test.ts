// The question before something is destroyed: only a yes is one, and where nobody can be asked there is none.

import { PassThrough } from 'node:stream';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { UsageError } from '../../../src/main/cli/arguments.ts';
import { type AskedHost, confirm } from '../../../src/main/cli/confirm.ts';

function hostOf(isTTY: boolean): AskedHost & { readonly stdin: PassThrough } {
  return {
    stdin: Object.assign(new PassThrough(), { isTTY }),
    stderr: Object.assign(new PassThrough(), { isTTY }),
  };
}

for (const [typed, expected] of [
  ['y\n', true],
  ['YES\n', true],
  ['\n', false],
  ['no\n', false],
  ['yellow\n', false],
  ['\u0003', false],
] as const) {
  test(`confirm() takes ${JSON.stringify(typed)} for ${expected ? 'a yes' : 'no yes'}`, async () => {
    const host = hostOf(true);
    host.stdin.write(typed);
    assert.is(await confirm('Destroy that', { yes: false, host }), expected);
  });
}

test('confirm() takes the end of the input for no', async () => {
  const host = hostOf(true);
  host.stdin.end();
  assert.is(await confirm('Destroy that', { yes: false, host }), false);
});

test('confirm() asks nobody where --yes was given', async () => {
  assert.ok(await confirm('Destroy that', { yes: true, host: hostOf(false) }));
});

test('confirm() refuses where nobody can be asked', async () => {
  try {
    await confirm('Destroy that', { yes: false, host: hostOf(false) });
    assert.unreachable('it asked');
  } catch (error) {
    assert.ok(error instanceof UsageError);
    assert.match(error.message, /^Destroy that\? Nobody can be asked here: give --yes$/);
  }
});

test.run();
