// The line of progress: painted over on a terminal and gone at the end, nothing in a pipe.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withProgress } from '../../../../src/main/cli/show/progress.ts';
import { keepingWriter, PIPE } from '../support.ts';

const test = suite('progress');

const NARROW = { screen: { columns: 10, rows: 24 }, unicode: false };
const AGAIN = '\r\u001b[K';

test('withProgress() shows one line, cut to the terminal, and takes it away before the result', async () => {
  const writer = keepingWriter(NARROW);
  const answer = await withProgress(writer, async (show) => {
    show('1 of 1000 blocks');
    return 'done';
  });
  writer.out(answer);
  assert.is(writer.kept.out, `${AGAIN}1 of 1000~${AGAIN}done`);
});

test('withProgress() paints no more often than a terminal can show', async () => {
  const writer = keepingWriter(NARROW);
  await withProgress(writer, async (show) => {
    for (let count = 0; count < 10_000; count += 1) show(String(count));
  });
  const [, ...shown] = writer.kept.out.split(AGAIN);
  assert.is(shown[0], '0');
  assert.ok(shown.length < 1000);
});

test('withProgress() takes the line away when the work fails', async () => {
  const writer = keepingWriter(NARROW);
  const failing = withProgress(writer, async (show) => {
    show('1');
    throw new Error('no');
  });
  await failing.then(assert.unreachable, (error: unknown) => assert.match(String(error), 'no'));
  assert.is(writer.kept.out, `${AGAIN}1${AGAIN}`);
});

test('withProgress() writes nothing where standard output is no terminal, or nothing was shown', async () => {
  const pipe = keepingWriter(PIPE);
  await withProgress(pipe, async (show) => show('1'));
  const terminal = keepingWriter(NARROW);
  await withProgress(terminal, async () => undefined);
  assert.equal([pipe.kept.out, terminal.kept.out], ['', '']);
});

test.run();
