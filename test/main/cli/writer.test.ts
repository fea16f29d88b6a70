// The writer: when it colours, and what it does when nobody reads any more.

import { PassThrough } from 'node:stream';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openWriter } from '../../../src/main/cli/writer.ts';

function host(isTTY: boolean, env: NodeJS.ProcessEnv) {
  const stdout = Object.assign(new PassThrough(), { isTTY });
  const stderr = Object.assign(new PassThrough(), { isTTY });
  return { stdout, stderr, env };
}

test('openWriter() colours on a terminal only, and not where NO_COLOR is set', () => {
  assert.is(openWriter(host(true, {})).paint('quiet', 'x'), '\u001b[2mx\u001b[22m');
  assert.is(openWriter(host(true, { NO_COLOR: '' })).paint('quiet', 'x'), '\u001b[2mx\u001b[22m');
  assert.is(openWriter(host(true, { NO_COLOR: '1' })).paint('quiet', 'x'), 'x');
  assert.is(openWriter(host(true, { TERM: 'dumb' })).paint('quiet', 'x'), 'x');
  assert.is(openWriter(host(false, {})).paint('quiet', 'x'), 'x');
});

test('openWriter() knows a terminal that does not tell its size, and nothing of a pipe', () => {
  assert.equal(openWriter(host(true, {})).screen, { columns: 80, rows: 24 });
  const { stdout, stderr } = host(true, {});
  const sized = openWriter({ stdout: Object.assign(stdout, { columns: 132, rows: 50 }), stderr, env: {} });
  assert.equal(sized.screen, { columns: 132, rows: 50 });
  assert.is(openWriter(host(false, {})).screen, null);
});

const LOCALES: readonly (readonly [NodeJS.ProcessEnv, boolean])[] = [
  [{}, false],
  [{ LANG: 'C' }, false],
  [{ LANG: 'de_DE.UTF-8' }, true],
  [{ LANG: 'de_DE.UTF-8', LC_ALL: 'C' }, false],
  [{ LANG: 'C', LC_CTYPE: 'C.utf8' }, true],
];

for (const [env, unicode] of LOCALES) {
  test(`openWriter() shows ${unicode ? 'Unicode' : 'ASCII'} with ${JSON.stringify(env)}`, () => {
    assert.is(openWriter(host(true, env)).unicode, unicode);
  });
}

test('openWriter() tells whoever goes on for ever that nobody reads any more', () => {
  const streams = host(false, {});
  const { closed } = openWriter(streams);
  assert.is(closed.aborted, false);
  streams.stdout.emit('error', Object.assign(new Error('closed'), { code: 'EPIPE' }));
  assert.is(closed.aborted, true);
});

test('openWriter() writes each text to its own stream', () => {
  const streams = host(false, {});
  const writer = openWriter(streams);
  writer.out('a');
  writer.error('b');
  assert.is(String(streams.stdout.read()), 'a');
  assert.is(String(streams.stderr.read()), 'b');
});

test('openWriter() goes on when the pipe is closed, and throws any other error of a stream', () => {
  const streams = host(false, {});
  openWriter(streams);
  assert.not.throws(() => streams.stdout.emit('error', Object.assign(new Error('closed'), { code: 'EPIPE' })));
  assert.throws(() => streams.stdout.emit('error', Object.assign(new Error('full'), { code: 'ENOSPC' })), /full/);
});

test.run();
