// How the results of a guest reach the run, also those of a guest that died half way.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseResults } from './phases.ts';

test('parseResults() reads a line for each file', () => {
  const results = parseResults('3 0 1 dist/test/vm/a.test.js\n0 2 0 dist/test/vm/b.test.js\n');
  assert.equal(results.get('dist/test/vm/a.test.js'), { passed: 3, failed: 0, skipped: 1 });
  assert.equal(results.get('dist/test/vm/b.test.js'), { passed: 0, failed: 2, skipped: 0 });
});

test('parseResults() leaves out a line that was cut off', () => {
  assert.is(parseResults('3 0 1 dist/test/vm/a.test.js\n0 2').size, 1);
  assert.is(parseResults('').size, 0);
});

test.run();
