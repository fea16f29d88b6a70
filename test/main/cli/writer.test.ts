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
  assert.is(openWriter(host(true, {})).dim('x'), '\u001b[2mx\u001b[22m');
  assert.is(openWriter(host(true, { NO_COLOR: '' })).dim('x'), '\u001b[2mx\u001b[22m');
  assert.is(openWriter(host(true, { NO_COLOR: '1' })).dim('x'), 'x');
  assert.is(openWriter(host(false, {})).dim('x'), 'x');
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
