// What the end of a run says again.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Failures } from './report.ts';

function failuresIn(...pieces: readonly string[]): string {
  const failures = new Failures();
  for (const piece of pieces) failures.take(piece);
  return failures.toString();
}

test('Failures finds a failed test of uvu with its message, in colours, and in pieces', () => {
  const output =
    'a.test.js\n• ✘   (1 / 2)\n\n  \u001b[1m\u001b[41m FAIL \u001b[49m\u001b[22m "adds"\n    Expected 3 to equal 4\n';
  assert.is(failuresIn(output.slice(0, 40), output.slice(40)), '   FAIL  "adds"\n    Expected 3 to equal 4');
});

test('Failures finds what the runner says of a file, and none in what went well', () => {
  assert.is(failuresIn('  ok  b.test.js: 2 passed\n  FAIL  c.test.js: never ran\n'), '  FAIL  c.test.js: never ran');
  assert.is(failuresIn('  ok  b.test.js: 2 passed\n', '=== host: 2 passed, 0 failed, 1 s\n'), '');
});

test('Failures keeps the beginning of each, and of the first of them', () => {
  const long = `   FAIL  "x"\n${'    at line\n'.repeat(1_000)}`;
  const lines = failuresIn(long.repeat(100)).split('\n');
  assert.is(lines.length, 40 * 15 + 1);
  assert.is(lines.at(-1), 'and 60 more');
});

test.run();
